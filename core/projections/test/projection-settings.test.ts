import { manualRuntime } from '@millrace/kernel'
import { memoryDatabase } from '@millrace/memory'
import { type DaemonProjection, projection, rows, startDaemon } from '@millrace/projections'
import { describe, expect, test } from 'vitest'
import { DAYS, days, notes, Paid, type Till, Tills, tills } from './daemon-world.ts'

const start = (...projections: (DaemonProjection | DaemonProjection['projection'])[]) => {
  const runtime = manualRuntime()
  return startDaemon({ database: memoryDatabase(runtime), runtime, projections })
}

const same = (_: Till | undefined, __: unknown, key: string): Till => ({ id: key, cents: 0, events: [] })

describe('a daemon refuses, naming the setting,', () => {
  const cases: readonly (readonly [
    string,
    readonly (DaemonProjection | DaemonProjection['projection'])[],
    string,
  ])[] = [
    ['no shards', [{ projection: tills, shards: 0 }], 'projections.tills.shards'],
    ['too many shards', [{ projection: tills, shards: 65 }], 'projections.tills.shards'],
    ['shards of a custom projection', [{ projection: notes, shards: 2 }], 'projections.notes.shards'],
    ['a projection without event types', [projection('none', Tills)], 'projections.none'],
    ['a name that no lease can have', [projection('a/b', Tills).on(Paid, same)], 'projections.a/b'],
    [
      'a version that is no number',
      [projection('v', Tills, { version: 1.5 }).on(Paid, same)],
      'projections.v.version',
    ],
    [
      'thresholds the wrong way round',
      [{ projection: tills, staging: { pauseAt: 5, resumeAt: 5 } }],
      'projections.tills.staging.resumeAt',
    ],
    [
      'a threshold of rebuilds that is too high',
      [{ projection: tills, rebuildStaging: { pauseAt: 1e6, resumeAt: 5 } }],
      'projections.tills.rebuildStaging.pauseAt',
    ],
    ['a negative linger', [{ projection: tills, lingerMs: -1 }], 'projections.tills.lingerMs'],
    ['a lease that is over at once', [{ projection: tills, leaseMs: 1 }], 'projections.tills.leaseMs'],
    ['a poll all the time', [{ projection: tills, pollMs: 0 }], 'projections.tills.pollMs'],
    [
      'an action that there is not',
      [{ projection: tills, errors: { apply: 'shrug' as never } }],
      'projections.tills.errors.apply',
    ],
    [
      'skipping for a database that fails',
      [{ projection: tills, errors: { database: 'skip' as never } }],
      'projections.tills.errors.database',
    ],
    [
      'no tries at all',
      [{ projection: tills, rebuildErrors: { retry: { attemptsMax: 0 } } }],
      'projections.tills.rebuildErrors.retry.attemptsMax',
    ],
    [
      'a longest pause below the shortest',
      [{ projection: tills, errors: { pauseMsMin: 10, pauseMsMax: 5 } }],
      'projections.tills.errors.pauseMsMax',
    ],
    ['two projections of one name', [tills, rows('tills', DAYS).on(Paid, () => [])], 'projections.tills'],
    [
      'two projections into one collection',
      [tills, projection('others', Tills).on(Paid, same)],
      'projections.others',
    ],
    ['two projections into one table', [days, rows('nights', DAYS).on(Paid, () => [])], 'projections.nights'],
  ]
  test.each(cases)('%s', async (_, projections, path) => {
    await expect(start(...projections)).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      parameters: { path },
    })
  })
})
