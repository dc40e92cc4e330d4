/**
 * Tells the time. Core code never reads a clock of its own, so that a whole backbone can run under a
 * manual clock and come to the same decisions twice.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970-01-01T00:00:00Z. May jump; use it to label, never to measure. */
  now(): number
  /** Milliseconds from an arbitrary start, never going back. Use it to measure and to time out. */
  monotonic(): number
}
