/** A number inside an event's data: `path` is the property's name, with dots for nested ones. */
export interface NumericProperty {
  readonly path: string
  readonly value: number
}

/** More properties than this of one event are not charted. */
export const NUMERIC_PROPERTIES_MAX = 8

/** The numbers in `data`, in its order, up to two levels deep. Booleans and numbers in texts do not count. */
export function numericProperties(data: unknown): readonly NumericProperty[] {
  const found: NumericProperty[] = []
  collect(data, '', 2, found)
  return found
}

function collect(data: unknown, prefix: string, depth: number, found: NumericProperty[]): void {
  if (typeof data !== 'object' || data === null || Array.isArray(data) || depth === 0) return
  for (const [name, value] of Object.entries(data)) {
    if (found.length >= NUMERIC_PROPERTIES_MAX) return
    if (typeof value === 'number' && Number.isFinite(value)) found.push({ path: prefix + name, value })
    else collect(value, `${prefix}${name}.`, depth - 1, found)
  }
}
