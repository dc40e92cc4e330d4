import { createHash } from 'node:crypto'

/** The longest name that PostgreSQL keeps whole, in bytes; all of ours are ASCII. */
const NAME_CHARACTERS_MAX = 63
const HASH_CHARACTERS = 8

/** Names of what the adapter has in its schema. None of them can be that of a declared table, which begins with a letter. */
export class TableNames {
  /** The schema, quoted. */
  readonly schema: string

  constructor(schema: string) {
    this.schema = quoted(schema)
  }

  /** The table of a collection. People may read it: `_documents_` and the collection's name, shortened if it is long. */
  documents(collection: string): string {
    return this.#own(documentsTable(collection))
  }

  /** A flat table: the name that it was declared with. */
  rows(table: string): string {
    return this.#own(table)
  }

  get streams(): string {
    return this.#own('_streams')
  }

  get events(): string {
    return this.#own('_events')
  }

  get eventPositions(): string {
    return this.#own('_event_positions')
  }

  get positions(): string {
    return this.#own('_positions')
  }

  /** One of the adapter's own functions; see `storeFunctions`. */
  function(name: StoreFunction): string {
    return this.#own(`_${name}_${FUNCTIONS_VERSION}`)
  }

  /** Something of that name in the schema. */
  own(name: string): string {
    return this.#own(name)
  }

  #own(name: string): string {
    return `${this.schema}.${quoted(name)}`
  }
}

/** Functions that the store installs. */
export type StoreFunction =
  | 'sort_key'
  | 'sort_tail'
  | 'unique_tail'
  | 'words'
  | 'word_vector'
  | 'patch'
  | 'document_characters'
  | 'json_levels'
  | 'refuse_documents'
  | 'refuse_live'
  | 'refuse_changes'
  | 'refuse_stream'
  | 'refuse_position'
  | 'expect_absent'
  | 'lock_writes'
  | 'feed_mark'

/** Part of the functions' names, so that nodes of an older and a newer version find their own. */
const FUNCTIONS_VERSION = 1

/** An identifier in quotes; a name of ours has been checked, but quoting is always right. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as a literal; only for what a schema declares and has been checked, and for statements that people keep. */
export function literal(text: string): string {
  const doubled = text.replaceAll("'", "''")
  return text.includes('\\') ? ` E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`
}

export function documentsTable(collection: string): string {
  return shortened(`_documents_${collection}`)
}

/** The name, or its beginning with a hash of the whole if it is too long. */
function shortened(name: string): string {
  if (name.length <= NAME_CHARACTERS_MAX) return name
  return `${name.slice(0, NAME_CHARACTERS_MAX - HASH_CHARACTERS - 1)}_${hashOf(name)}`
}

/** A name that tells what it is for and what its definition is: another definition has another name. */
export function definedName(kind: 'ix' | 'uq' | 'fk', parts: readonly string[], definition: string): string {
  const readable = `_${kind}_${parts.join('_')}`.slice(0, NAME_CHARACTERS_MAX - HASH_CHARACTERS - 1)
  return `${readable}_${hashOf(definition)}`
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARACTERS)
}
