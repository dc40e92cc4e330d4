import { type Mutation, runSimulation, type Swarm } from '@millrace/simulation'
import { describe, expect, test } from 'vitest'

/** Seeds within which a defect must be found. */
const SEEDS_MAX = 40

/** Many kills while the handler is busy: a position that is wrong then has consequences. */
const busy: Partial<Swarm> = { kills: 60, handlerMsMax: 300, concurrency: 1 }

/** What each defect must turn red, and what a run needs for the defect to matter at all. */
const cases: readonly (readonly [invariant: string, mutation: Mutation, swarm: Partial<Swarm>])[] = [
  ['AcknowledgedIsDurable', 'acknowledge-before-append', { powerCuts: 30 }],
  ['AcknowledgedIsDurable', 'lying-sync', { powerCuts: 10 }],
  ['OffsetsNeverGoBack', 'lying-sync', { powerCuts: 10 }],
  ['OrderPerKey', 'reordering-bus', {}],
  ['OrderPerKey', 'skipping-commit', busy],
  ['EffectAndCheckpointTogether', 'torn-checkpoint', {}],
  ['NothingIsDroppedSilently', 'silent-dead-letters', { strays: 30 }],
  ['NothingIsDroppedSilently', 'skipping-commit', busy],
  ['RepetitionsAreRecognised', 'forgetful-bus', {}],
  ['CommandsEndOnce', 'nameless-commands', { kills: 20 }],
  ['EverythingConverges', 'deaf-to-outcomes', {}],
  ['NothingEscapes', 'throwing-timer', {}],
]

describe('each invariant can turn red', () => {
  test.each(cases)('%s is violated within a few seeds by %s', async (invariant, mutation, swarm) => {
    const options = { mutation, swarm: { safetyMs: 10_000, ...swarm }, invariants: [invariant] }
    const seeds: number[] = []
    for (let seed = 1; seed <= SEEDS_MAX && seeds.length === 0; seed += 1) {
      const { violation } = await runSimulation(seed, options)
      if (violation?.invariant === invariant) seeds.push(seed)
    }
    expect(seeds).toHaveLength(1)
  })
})
