/**
 * The words of a text, as searches compare them: the longest runs of letters, marks and digits of any script (the Unicode
 * categories L, M and N), each code point in lower case by itself, whatever stands around it; `İ`, whose lower case is
 * two code points, stays as it is. Nothing else is made equal: accents count, and so does how they are composed.
 *
 * Engines keep words that are cut by this very function, or by one that was made by asking it for every code point, and
 * only compare them: their own ideas of words differ. FTS5's tokenizer `unicode61` takes every unassigned code point for
 * a letter and folds `ς` to `σ`; PostgreSQL's parser keeps URLs and words with hyphens whole. Which code points are
 * letters is as the JavaScript engine's Unicode tables know it; newer ones may know more.
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
