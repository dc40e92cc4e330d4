/** A promise of the log that was not kept. */
export class Violation extends Error {}

/** Ends the run: `what` was seen, and must not be. */
export function fail(what: string): never {
  throw new Violation(what)
}
