/** A promise that was not kept. */
export interface Finding {
  readonly promise: string
  readonly count: number
  /** The first few, in words. */
  readonly examples: readonly string[]
}

export const EXAMPLES_MAX = 10

/** Gathers what is wrong, a promise at a time, and keeps the first few examples of each. */
export class FindingBook {
  readonly #promises = new Map<string, { count: number; examples: string[] }>()

  add(promise: string, example: string): void {
    const known = this.#promises.get(promise) ?? { count: 0, examples: [] }
    known.count += 1
    if (known.examples.length < EXAMPLES_MAX) known.examples.push(example)
    this.#promises.set(promise, known)
  }

  get isEmpty(): boolean {
    return this.#promises.size === 0
  }

  get all(): readonly Finding[] {
    return [...this.#promises].map(([promise, { count, examples }]) => ({ promise, count, examples }))
  }
}

/** Findings as lines for people. */
export function summaryOfFindings(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return ['every promise was kept']
  return findings.flatMap(({ promise, count, examples }) => [
    `✗ ${promise}: ${count} times not`,
    ...examples.map((example) => `    ${example}`),
  ])
}
