const NARROW_SPACE = '\u202F'

/** A count in full, its thousands apart: 12 345. */
export function formatCount(count: number): string {
  const [whole = '', fraction] = String(Math.abs(count)).split('.')
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, NARROW_SPACE) : whole
  return `${count < 0 ? '−' : ''}${grouped}${fraction ? `.${fraction}` : ''}`
}

/**
 * A measured value in at most about six characters: enough to read, not more than was measured. With `fractional`, a
 * whole number below 1,000 shows its ".0", so that it does not jump beside others that have one.
 */
export function formatValue(value: number, fractional = false): string {
  const size = Math.abs(value)
  if (fractional && Number.isInteger(value) && size < 1000) return `${formatCount(value)}.0`
  if (value === 0 || Number.isInteger(value)) return size < 1e9 ? formatCount(value) : value.toExponential(2)
  if (size >= 1e9 || size < 0.001) return value.toExponential(2)
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3
  return formatCount(Number(value.toFixed(digits)))
}

/** Events per second. */
export function formatRate(rate: number): string {
  if (rate >= 100) return formatCount(Math.round(rate))
  return rate === 0 ? '0' : rate.toFixed(1)
}

/** Bytes in binary units. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit += 1
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`
}

/** "1 device", "2 devices". */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`
