import { drawSwarm, runSimulation, withoutFaults } from '@millrace/simulation'
import { expect, test } from 'vitest'

/** A device whose every reading is answered with a command, and that often loses its line before it acknowledges. */
const unlucky = {
  id: 'd0',
  protocol: 5,
  qos: 1,
  readingsMax: 100,
  burstMax: 3,
  everyMs: 200,
  inFlightMax: 5,
  poisonShare: 0,
  repeatShare: 0,
  hotShare: 1,
  outcomeFirst: true,
  keepAliveSeconds: 30,
} as const

// Seed 3712 found it: the deadline passed while the outcome was on its way to a slow disk, and the command expired too.
test('a command whose outcome arrives about when its deadline passes has one end', async () => {
  for (const seed of [4, 41]) {
    const swarm = {
      ...withoutFaults(drawSwarm(seed)),
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
