import { drawSwarm, withoutFaults } from '@millrace/simulation'
import { describe, expect, test } from 'vitest'

describe('the choices of a seed', () => {
  test('are the same every time, and each fault is off in some runs and on in others', () => {
    expect(drawSwarm(7)).toEqual(drawSwarm(7))
    const swarms = Array.from({ length: 100 }, (_, seed) => drawSwarm(seed))
    for (const fault of [
      'powerCuts',
      'kills',
      'disconnects',
      'fullDisks',
      'failedSyncs',
      'clockJumps',
    ] as const) {
      const off = swarms.filter((swarm) => swarm[fault] === 0).length
      expect(off).toBeGreaterThan(20)
      expect(off).toBeLessThan(80)
    }
  })

  test('can be had without anything that goes wrong', () => {
    const swarm = withoutFaults(drawSwarm(7))
    expect(swarm.powerCuts + swarm.kills + swarm.powerCutShare + swarm.handlerMsMax).toBe(0)
    expect(swarm.devices).toEqual(drawSwarm(7).devices)
  })
})
