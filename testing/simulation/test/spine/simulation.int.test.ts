import { runSimulation } from '@millrace/simulation'
import { describe, expect, test } from 'vitest'

describe('a run', () => {
  test('with the same seed tells the same history, twice in one process', async () => {
    for (const seed of [3, 8231]) {
      const first = await runSimulation(seed)
      await runSimulation(seed + 1)
      const second = await runSimulation(seed)
      expect(second).toEqual(first)
    }
  })

  test('with another seed tells another history', async () => {
    const hashes = [(await runSimulation(3)).historyHash, (await runSimulation(4)).historyHash]
    expect(new Set(hashes).size).toBe(2)
  })

  test('holds every invariant under the first seeds, and gets something done', async () => {
    let acknowledged = 0
    for (let seed = 1; seed <= 12; seed += 1) {
      const { violation, counts } = await runSimulation(seed)
      expect(violation).toBeUndefined()
      acknowledged += counts.acknowledged
    }
    expect(acknowledged).toBeGreaterThan(100)
  })

  test('tells at which step and what was seen when an invariant does not hold', async () => {
    const { violation } = await runSimulation(1, { mutation: 'torn-checkpoint' })
    expect(violation).toMatchObject({ invariant: 'EffectAndCheckpointTogether' })
    expect(violation?.step).toBeGreaterThan(0)
    expect(violation?.seen).toContain('the topic up to its position')
  })

  test('that never comes to an end is given up', async () => {
    const { violation } = await runSimulation(1, { stepsMax: 50 })
    expect(violation).toMatchObject({ invariant: 'EverythingConverges', seen: 'no end after 51 steps' })
  })
})
