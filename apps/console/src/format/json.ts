import { jsonFault } from './json-fault.ts'

/** What became of a text that should be JSON. */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string }

/** Reads JSON as a person wrote it; an empty text is `undefined`, an error says where it is and what is missing. */
export function parseJson(text: string): ParsedJson {
  if (text.trim() === '') return { ok: true, value: undefined }
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    const fault = jsonFault(text)
    if (!fault) return { ok: false, message: 'This is not JSON.' }
    const before = text.slice(0, fault.position).split('\n')
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
    const seen = fault.position >= text.length ? 'the end' : JSON.stringify(text[fault.position])
    return { ok: false, message: `Expected ${fault.expected} at ${place}, but saw ${seen}.` }
  }
}

/** A value on one line, cut to a length: what a table cell shows. */
export function summarise(value: unknown, charsMax = 120): string {
  if (value === undefined) return '–'
  if (typeof value !== 'object' || value === null) return cut(String(value), charsMax)
  if (Array.isArray(value)) return cut(JSON.stringify(value), charsMax)
  const parts: string[] = []
  let length = 0
  for (const [name, item] of Object.entries(value)) {
    const text = `${name} ${typeof item === 'string' ? item : (JSON.stringify(item) ?? '–')}`
    parts.push(text)
    length += text.length
    if (length > charsMax) break
  }
  return cut(parts.join(' · '), charsMax)
}

const cut = (text: string, charsMax: number): string =>
  text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`

/** A piece of JSON text and what it is, for colouring. */
export interface JsonToken {
  readonly kind: 'name' | 'text' | 'number' | 'word' | 'mark'
  readonly text: string
  /** Where it begins. */
  readonly at: number
}

const TOKEN =
  /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([^"\d\-tfn]+|[\s\S])/g

/** Splits pretty-printed JSON into tokens; beyond `tokensMax` the rest is one token. */
export function jsonTokens(json: string, tokensMax = 4_000): readonly JsonToken[] {
  const tokens: JsonToken[] = []
  for (const { index: at, 0: text, 1: quoted, 2: colon, 3: number, 4: word } of json.matchAll(TOKEN)) {
    if (tokens.length >= tokensMax) return [...tokens, { kind: 'mark', text: json.slice(at), at }]
    if (quoted !== undefined && colon !== undefined) {
      tokens.push({ kind: 'name', text: quoted, at }, { kind: 'mark', text: colon, at: at + quoted.length })
    } else if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted, at })
    else
      tokens.push({ kind: number !== undefined ? 'number' : word !== undefined ? 'word' : 'mark', text, at })
  }
  return tokens
}
