/** Where and why a text is not JSON. */
export interface JsonFault {
  readonly position: number
  readonly expected: string
}

const SPACE = /[ \t\r\n]*/y
const TEXT = /"(?:[^"\\\n\r\t]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/**
 * Finds the first fault of a text that `JSON.parse` has refused: engines disagree on how they say where it is, and some
 * do not say it at all. Walks with a stack of its own, so that no nesting is too deep.
 */
export function jsonFault(text: string): JsonFault | undefined {
  const open: ('{' | '[')[] = []
  let at = 0
  let mayClose = false
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at = pattern.lastIndex
    return found !== null
  }
  const mark = (wanted: string): boolean => {
    take(SPACE)
    if (text[at] !== wanted) return false
    at += 1
    return true
  }
  for (;;) {
    const inside = open.at(-1)
    const closed = mayClose && inside !== undefined && mark(inside === '{' ? '}' : ']')
    mayClose = false
    if (!closed) {
      take(SPACE)
      if (inside === '{') {
        if (!take(TEXT)) return { position: at, expected: 'a name in double quotes' }
        if (!mark(':')) return { position: at, expected: '":"' }
      }
      const opened = mark('{') ? '{' : mark('[') ? '[' : undefined
      if (opened) {
        open.push(opened)
        mayClose = true
        continue
      }
      if (!take(TEXT) && !take(SCALAR)) return { position: at, expected: 'a value' }
    } else open.pop()
    // A value has ended: what it is in goes on, or ends as well.
    while (open.length > 0 && !mark(',')) {
      if (!mark(open.at(-1) === '{' ? '}' : ']')) {
        return { position: at, expected: open.at(-1) === '{' ? '"," or "}"' : '"," or "]"' }
      }
      open.pop()
    }
    if (open.length > 0) continue
    take(SPACE)
    return at === text.length ? undefined : { position: at, expected: 'the end' }
  }
}
