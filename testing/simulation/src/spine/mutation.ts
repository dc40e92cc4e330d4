/** A defect on purpose, to prove that an invariant can turn red. */
export type Mutation =
  /** A publication is answered before its append has ended. */
  | 'acknowledge-before-append'
  /** A sync answers without having synced anything. */
  | 'lying-sync'
  /** Messages that are published together change their order. */
  | 'reordering-bus'
  /** A group's position is committed one message too far. */
  | 'skipping-commit'
  /** Documents and position are committed one after the other. */
  | 'torn-checkpoint'
  /** Dead letters are thrown away. */
  | 'silent-dead-letters'
  /** Idempotency keys are lost on the way to the bus. */
  | 'forgetful-bus'
  /** A repeated delivery makes a new command. */
  | 'nameless-commands'
  /** What devices say of their commands is answered and thrown away. */
  | 'deaf-to-outcomes'
  /** A timer throws. */
  | 'throwing-timer'
