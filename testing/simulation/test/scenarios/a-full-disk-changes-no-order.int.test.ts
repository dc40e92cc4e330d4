import { drawSwarm, runSimulation, withoutFaults } from '@millrace/simulation'
import { expect, test } from 'vitest'

/** A device that is always far ahead of its acknowledgements. */
const hasty = {
  id: 'd0',
  qos: 1,
  readingsMax: 200,
  burstMax: 10,
  everyMs: 50,
  inFlightMax: 16,
  poisonShare: 0,
  repeatShare: 0,
  hotShare: 0,
  outcomeFirst: false,
  keepAliveSeconds: 30,
} as const

// Seed 2097 found it: the first of several publications was refused by the full disk, those behind it were taken.
test.each([4, 5] as const)(
  'what a device sends behind a reading that the full disk refused does not get ahead of it (protocol version %i)',
  async (protocol) => {
    for (let seed = 1; seed <= 5; seed += 1) {
      const swarm = { ...withoutFaults(drawSwarm(seed)), fullDisks: 60, safetyMs: 8_000 }
      const devices = [{ ...hasty, protocol }]
      const { violation } = await runSimulation(seed, { swarm: { ...swarm, devices } })
      expect(violation).toBeUndefined()
    }
  },
)
