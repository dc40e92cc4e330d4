/**
 * The words of a text, as searches compare them: the longest runs of letters, marks and digits, each code point in
 * lower case by itself.
 */
export function wordsOf(text: string): string[] {
  return (text.match(WORD) ?? []).map((word) => lowerCase(word))
}

const WORD = /[\p{L}\p{M}\p{N}]+/gu

function lowerCase(word: string): string {
  const lower = word.toLowerCase()
  return lower
}
