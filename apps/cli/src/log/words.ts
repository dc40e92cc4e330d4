import type { Finding, LogVerification, OffsetRange } from '@millrace/log/inspection'
import { style } from '../output.ts'

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** Bytes for people: `1.2 GB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < BYTE_UNITS.length - 1; unit += 1) value /= 1000
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${BYTE_UNITS[unit]}`
}

/** A number with what it counts: `1 record`, `2,000 records`. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

/** Offsets for people; ranges include both ends, as people count. */
export function offsetsText({ from, to }: OffsetRange): string {
  return to - from === 1 ? `offset ${from}` : `offsets ${from} to ${to - 1}`
}

const COLOURS = { loss: 'red', damage: 'yellow', note: 'dim' } as const

/** One finding in a line or two. */
export function findingText(finding: Finding): string {
  const { severity, kind, offsets, text } = finding
  const place = offsets === undefined ? '' : `${offsetsText(offsets)}: `
  const word = severity === 'loss' && offsets !== undefined ? 'LOST' : severity
  return `  ${style(COLOURS[severity], word.padEnd(6))} ${place}${text} ${style('dim', `[${kind}]`)}`
}

/** What a verification found, in a line without its findings. */
export function verdictText(found: LogVerification): string {
  const { isSound, segments, records, bytes, startOffset, endOffset } = found
  const verdict = isSound ? style('green', 'sound') : style('red', 'DAMAGED')
  const range = endOffset > startOffset ? `, ${offsetsText({ from: startOffset, to: endOffset })}` : ''
  return `${verdict}  ${countText(records, 'record')} in ${countText(segments, 'segment')}, ${bytesText(bytes)}${range}`
}
