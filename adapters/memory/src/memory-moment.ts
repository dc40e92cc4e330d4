import { type Random, randomInteger } from '@millrace/kernel'
import type { Contents } from './memory-contents.ts'
import {
  assemble,
  type Change,
  combinations,
  countOf,
  isAmong,
  type SizeChoice,
  sizeChoices,
} from './sector-choices.ts'

/** Contents that chance has chosen, and what was chosen: the empty text if that is what was synced. */
export interface DrawnContents {
  readonly contents: Contents
  readonly choice: string
}

/**
 * What a power cut can leave of one file: any size that it had since the last sync, and for each 512-byte sector that
 * was written any of the contents that it had since. Where the file was cut, and the cut survives, nothing from before
 * comes back.
 */
export class FileMoment {
  readonly #durable: Contents
  readonly #changes: readonly Change[]
  #sizes: readonly SizeChoice[] | undefined

  /** Neither argument is changed any more. */
  constructor(durable: Contents, changes: readonly Change[]) {
    this.#durable = durable
    this.#changes = changes
  }

  /** True if there is only one outcome. */
  get isCertain(): boolean {
    return this.#changes.length === 0
  }

  /** Only what was synced. */
  least(): Contents {
    return this.#durable.copy()
  }

  /** How many different contents there can be. */
  get count(): number {
    if (this.isCertain) return 1
    const groups = Map.groupBy(this.#choices(), ({ base }) => base.size)
    return [...groups.values()].reduce((sum, group) => sum + countOf(group), 0)
  }

  /** Every contents that there can be, each once. */
  *states(): Generator<Contents> {
    if (this.isCertain) {
      yield this.least()
      return
    }
    const choices = this.#choices()
    for (const [index, choice] of choices.entries()) {
      // Two choices of the same size may lead to the same contents.
      const earlier = choices.slice(0, index).filter(({ base }) => base.size === choice.base.size)
      for (const chosen of combinations(choice.sectors)) {
        const state = assemble(choice, chosen)
        if (!earlier.some((other) => isAmong(other, state))) yield state
      }
    }
  }

  /** One of them: everything lost, everything written, or any mixture. */
  random(random: Random): DrawnContents {
    if (this.isCertain) return { contents: this.least(), choice: '' }
    const choices = this.#choices()
    const index = randomInteger(random, 0, choices.length)
    const size = choices[index] ?? { base: this.#durable, sectors: [] }
    const keptShare = [0, 0.1, 0.5, 0.9, 1][randomInteger(random, 0, 5)] ?? 0
    const chosen = size.sectors.map(({ versions }) => {
      if (random.next() >= keptShare) return 0
      return random.next() < 0.7 ? versions.length - 1 : randomInteger(random, 0, versions.length)
    })
    const isLeast = index === 0 && chosen.every((version) => version === 0)
    return { contents: assemble(size, chosen), choice: isLeast ? '' : `${index}:${chosen.join()}` }
  }

  #choices(): readonly SizeChoice[] {
    this.#sizes ??= sizeChoices(this.#durable, this.#changes)
    return this.#sizes
  }
}
