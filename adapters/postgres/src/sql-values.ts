import { literal } from './table-names.ts'

/** What can be bound: a text, bytes, or null; the statement says the type. */
export type Parameter = string | Uint8Array | null

/** How a value gets into a statement. */
export interface SqlValues {
  text(value: string): string
  number(value: number): string
  boolean(value: boolean): string
  jsonb(text: string): string
  texts(values: readonly string[]): string
  numbers(values: readonly number[]): string
}

/** Binds: a mark and its type stand in the statement, the value goes beside it. */
export class BoundValues implements SqlValues {
  readonly parameters: Parameter[] = []

  text(value: string | null): string {
    return this.bind(value, 'text')
  }

  number(value: number): string {
    return this.bind(String(value), 'float8')
  }

  boolean(value: boolean): string {
    return this.bind(String(value), 'boolean')
  }

  whole(value: number | null): string {
    return this.bind(value === null ? null : String(value), 'bigint')
  }

  jsonb(text: string): string {
    return this.bind(text, 'jsonb')
  }

  texts(values: readonly (string | null)[]): string {
    return this.bind(arrayText(values), 'text[]')
  }

  numbers(values: readonly number[]): string {
    return this.bind(arrayText(values.map(String)), 'float8[]')
  }

  wholes(values: readonly number[]): string {
    return this.bind(arrayText(values.map(String)), 'bigint[]')
  }

  bind(value: Parameter, type: string): string {
    this.parameters.push(value)
    return `$${this.parameters.length}::${type}`
  }
}

/** Writes values out: for indexes and plans, whose values a schema declares. */
export class LiteralValues implements SqlValues {
  text(value: string): string {
    return `${literal(value)}::text`
  }

  number(value: number): string {
    return `${literal(String(value))}::float8`
  }

  boolean(value: boolean): string {
    return `${literal(String(value))}::boolean`
  }

  jsonb(text: string): string {
    return `${literal(text)}::jsonb`
  }

  texts(values: readonly string[]): string {
    return `${literal(arrayText(values))}::text[]`
  }

  numbers(values: readonly number[]): string {
    return `${literal(arrayText(values.map(String)))}::float8[]`
  }
}

/** A list in PostgreSQL's own notation. Source: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
function arrayText(values: readonly (string | null)[]): string {
  const items = values.map((value) => (value === null ? 'NULL' : `"${value.replace(/["\\]/g, '\\$&')}"`))
  return `{${items.join(',')}}`
}
