import assert from 'node:assert/strict'
import type { Durability } from '@millrace/log'
import { appended, contents, does, everyMoment, large, opened, record } from '../machinery/small-log.ts'

/** Every moment of a life that opens, appends over several segments, and closes; what was acknowledged until then. */
function momentsOfALife(durability: Durability) {
  const acknowledged: string[] = []
  return everyMoment(
    async (files) => {
      const log = await opened(files, { durability })
      for (let index = 0; index < 8; index += 1) {
        const { baseOffset } = await appended(log, large(`r${index}`, 300 + 250 * (index % 4)))
        acknowledged.push(`${baseOffset}:r${index}`)
      }
      await does('it closes', log.close())
    },
    () => [...acknowledged],
  )
}

/** The contract of all three durabilities is the same here: a killed process loses nothing. */
async function aKillAnywhereCostsNothing(): Promise<void> {
  for (const durability of ['disk', 'interval', 'os'] as const) {
    for (const { place, facts: acknowledged, killed } of await momentsOfALife(durability)) {
      const log = await opened(killed)
      const found = await contents(log)
      const seen = found.slice(0, acknowledged.length)
      assert.deepEqual(seen, acknowledged, `killed in ${place}: everything acknowledged is there`)
      // Offsets that were set aside for appends that do not wait for the disk are skipped, and said to be.
      const lost = log.gaps.filter(({ from }) => from < found.length)
      assert.deepEqual(lost, [], `killed in ${place}: nothing counts as damaged`)
      const { baseOffset } = await appended(log, record('next'))
      assert.ok(baseOffset >= found.length, `killed in ${place}: it goes on behind what it has`)
      await does('it closes', log.close())
    }
  }
}

async function whatIsFoundAfterAKillStays(): Promise<void> {
  for (const { place, killed } of await momentsOfALife('os')) {
    const found = await contents(await opened(killed))
    const later = await contents(await opened(killed.afterCrash()))
    assert.deepEqual(later.slice(0, found.length), found, `killed in ${place}: what was read stays`)
  }
}

export const bug = {
  number: 2,
  title: 'A kill makes good data look bad',
  seenIn: ['Fluent Bit #10952'],
  scenarios: {
    'a kill at any moment costs no acknowledged record, and nothing counts as damaged':
      aKillAnywhereCostsNothing,
    'what is found after a kill is durable before anybody reads it': whatIsFoundAfterAKillStays,
  },
}
