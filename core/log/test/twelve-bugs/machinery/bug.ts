/** A bug that others had, and what shows that we do not have it. */
export interface Bug<Sentence extends string = string> {
  /** As in docs/proofs.md. */
  readonly number: number
  readonly title: string
  /** Public issues in which it was seen. */
  readonly seenIn: readonly string[]
  /** Green as long as the bug is not there. Pure functions of nothing, so that any process can run them. */
  readonly scenarios: Readonly<Record<Sentence, () => Promise<void>>>
}

/** One place of a source file that a mutation changes. */
export interface Edit {
  /** From the root of the repository. */
  readonly file: string
  /** Must be there exactly once: a mutation that does not fit its source any more is reported, never left out. */
  readonly find: string
  readonly replace: string
}

/** A bug put back. */
export interface Mutation<Sentence extends string = string> {
  /** What is wrong then. */
  readonly name: string
  /** The scenario that must turn red. */
  readonly turnsRed: Sentence
  readonly edits: readonly Edit[]
}

/** Ties the sentences of mutations to those of the scenarios, for the compiler. */
export type MutationsOf<Scenarios> = readonly Mutation<keyof Scenarios & string>[]
