/**
 * A name in SQL, to be put into quotes. SQLite's names ignore case and ours do not, so a capital X becomes $x. Names
 * have been checked: letters, digits, "-" and "_" only.
 */
export function foldedName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `$${letter.toLowerCase()}`)
}

/** The table of a collection. Names of our own begin with "_", so that none is that of a declared table. */
export function documentsTable(collection: string): string {
  return foldedName(`_documents_${collection}`)
}

/** The full-text table of a collection. */
export function wordsTable(collection: string): string {
  return `${documentsTable(collection)}~words`
}

/** Numbers the documents of a collection for its full-text table. */
export function numbersTable(collection: string): string {
  return `${documentsTable(collection)}~numbers`
}

/** The column of a declared column index. */
export function indexColumn(index: string): string {
  return foldedName(`c_${index}`)
}

/** A path in SQLite's notation. A label in double quotes is read like a JSON text, so JSON's escapes are the right ones. */
// Source: https://sqlite.org/json1.html#path_arguments
export function jsonPath(path: readonly string[]): string {
  return `$${path.map((segment) => `.${JSON.stringify(segment)}`).join('')}`
}
