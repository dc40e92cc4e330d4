import { millraceError } from '@millrace/kernel'
import { documentLimits as limits } from './document-limits.ts'

/** Says what was seen and what was expected, by throwing. */
export type Refuse = (seen: string, expected: string) => never

/** Refuses an operation: OPERATION_INVALID. */
export function refuseOperation(operation: string, target: string): Refuse {
  return (seen, expected) => {
    throw millraceError('OPERATION_INVALID', { operation, target, seen, expected })
  }
}

/** Refuses a read, a filter or a patch: QUERY_INVALID. `what` is the collection, or what else is read. */
export function refuseQuery(what: unknown): Refuse {
  return (seen, expected) => {
    throw millraceError('QUERY_INVALID', { collection: String(what), seen, expected })
  }
}

/**
 * Whether `value` is a text that every engine keeps as it is. Zero characters and halves of surrogate pairs are not:
 * PostgreSQL stores neither.
 */
export function isText(value: unknown, charactersMax: number): value is string {
  return (
    typeof value === 'string' &&
    value.length <= charactersMax &&
    value.isWellFormed() &&
    !value.includes('\0')
  )
}

/** The text; refused if it is none, too long, or empty where it must not be. */
export function checkText(
  name: string,
  value: unknown,
  { charactersMax, mayBeEmpty = false }: { charactersMax: number; mayBeEmpty?: boolean },
  refuse: Refuse,
): string {
  if (isText(value, charactersMax) && (mayBeEmpty || value !== '')) return value
  const least = mayBeEmpty ? 0 : 1
  return refuse(
    `the ${name} ${show(value)}`,
    `a text of ${least} to ${charactersMax} characters without zero characters and lone surrogates`,
  )
}

/** The number; refused unless it is whole and from 0 to `max`. */
export function checkWhole(name: string, value: unknown, max: number, refuse: Refuse): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max)
    return value as number
  return refuse(`the ${name} ${show(value)}`, `a whole number from 0 to ${max}`)
}

/** A tenant; absent is the empty text. */
export function checkTenant(value: unknown, refuse: Refuse): string {
  if (value === undefined) return ''
  return checkText('tenant', value, { charactersMax: limits.tenantCharactersMax, mayBeEmpty: true }, refuse)
}

/** A choice that may be left out. */
export function checkFlag(name: string, value: unknown, refuse: Refuse): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  return refuse(`${name} ${show(value)}`, 'true or false')
}

/** A list of at most `max` items, copied. */
export function checkList<Item>(
  name: string,
  value: readonly Item[],
  { min = 0, max }: { min?: number; max: number },
  refuse: Refuse,
): readonly Item[] {
  if (Array.isArray(value) && value.length >= min && value.length <= max) return [...value]
  return refuse(`${name} that are ${show(value)}`, `a list of ${min} to ${max}`)
}

/** The value in a few words, for messages. */
export function show(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value)
  if (typeof value !== 'object') return JSON.stringify(String(value).slice(0, 100))
  return Array.isArray(value) ? `a list of ${value.length}` : 'an object'
}
