import { runSimulation } from '@millrace/simulation'
import { expect, test } from 'vitest'
import { calmWorld, plainDevice } from './calm-world.ts'

/** A device whose every reading is answered with a command, and that often loses its line before it acknowledges. */
const unlucky = { ...plainDevice, hotShare: 1, outcomeFirst: true }

// Seed 3712 found it: the deadline passed while the outcome was on its way to a slow disk, and the command expired too.
test('a command whose outcome arrives about when its deadline passes has one end', async () => {
  for (const seed of [35, 56]) {
    const swarm = {
      ...calmWorld,
      devices: [unlucky],
      disconnects: 150,
      diskLatencyMsMax: 10,
      slowDiskShare: 0.5,
      networkLatencyMsMax: 50,
      commandDeadlineMs: 1_000,
      safetyMs: 12_000,
    }
    const { violation } = await runSimulation(seed, { swarm })
    expect(violation).toBeUndefined()
  }
})
