/**
 * The words of a text, as searches compare them: the longest runs of letters, marks and digits of any script (the Unicode
 * categories L, M and N), each code point in lower case by itself, whatever stands around it; `İ`, whose lower case is
 * two code points, stays as it is. Nothing else is made equal: accents count, and so does how they are composed.
 *
 * Engines must cut and compare alike. In SQLite this function can be registered, and its words, joined by spaces, given
 * to FTS5 with the tokenizer `ascii`, which then has only spaces to cut at (`unicode61`, with `remove_diacritics 0` and
 * the categories `L* M* N*`, takes every unassigned code point for a letter, and folds `ς` to `σ`). In PostgreSQL the
 * words are the runs of a bracket expression with these categories over a lower case that goes by code points (the
 * collation `pg_c_utf8` or `C.UTF-8`), and an array or a tsvector holds them. An engine may differ for code points that
 * its tables do not know yet, or whose lower case is not that of Unicode; that is so for none of the alphabets of living
 * languages.
 */
export function wordsOf(text: string): string[] {
  return (text.match(WORD) ?? []).map(lowerCase)
}

const WORD = /[\p{L}\p{M}\p{N}]+/gu

/** The only two code points for which the lower case of a text is not that of its code points. */
const SPECIAL = /[Σİ]/

function lowerCase(word: string): string {
  if (!SPECIAL.test(word)) return word.toLowerCase()
  return Array.from(word, (point) => (point === 'İ' ? point : point.toLowerCase())).join('')
}
