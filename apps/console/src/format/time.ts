const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long ago, in one unit: "now", "12 s ago", "3 min ago". A clock that is ahead of ours gives "now". */
export function formatAgo(timeMs: number, nowMs: number): string {
  const ago = nowMs - timeMs
  if (!Number.isFinite(ago)) return 'never'
  return ago < 1.5 * SECOND ? 'now' : `${formatDuration(ago)} ago`
}

/** A duration in its largest unit: "12 s", "3 min", "5 h", "2 d"; below a second "320 ms". */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`
  return `${Math.floor(ms / DAY)} d`
}

const clockOf = (time: Date): string => time.toLocaleTimeString('en-GB', { hour12: false })

/** Date and time of day: "2026-06-01 12:30:15". */
export function formatDateTime(timeMs: number): string {
  if (!Number.isFinite(timeMs)) return '–'
  const time = new Date(timeMs)
  return `${time.toLocaleDateString('en-CA')} ${clockOf(time)}`
}

/** The time of day, and the date in front of it unless it is today's. */
export function formatTime(timeMs: number, nowMs: number): string {
  if (!Number.isFinite(timeMs)) return '–'
  const time = new Date(timeMs)
  const today = new Date(nowMs).toDateString() === time.toDateString()
  return today ? clockOf(time) : formatDateTime(timeMs)
}

/** The time of day with milliseconds. */
export function formatTimeExactly(timeMs: number): string {
  if (!Number.isFinite(timeMs)) return '–'
  const time = new Date(timeMs)
  return `${clockOf(time)}.${String(time.getMilliseconds()).padStart(3, '0')}`
}
