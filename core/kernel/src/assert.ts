/**
 * Stops the code when our own reasoning is wrong. For bugs only: bad input and failing disks get a typed
 * error of the catalogue instead.
 */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionFailure(claim)
}

/** A broken invariant: always a bug of Millrace, never of its input. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure'
  constructor(claim: string) {
    super(`Invariant broken: ${claim}. This is a bug in Millrace; please report it with this message.`)
  }
}

/** Marks a place that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new AssertionFailure(`unexpected ${JSON.stringify(value)}`)
}
