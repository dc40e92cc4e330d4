import { memoryFiles } from '@millrace/memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueueWorld, type Step } from './queue-world.ts'

const consumer = fc.integer({ min: 0, max: 1 })

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      count: fc.integer({ min: 1, max: 4 }),
      key: fc.constantFrom('k', 'l', undefined),
      lane: fc.constantFrom('alarm', 'normal', 'bulk'),
      life: fc.constantFrom('plain' as const, 'plain' as const, 'short' as const, 'late' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      consumer,
      count: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'acknowledge' as const,
        'acknowledge' as const,
        'reject' as const,
        'delay' as const,
      ),
      consumer,
      which: fc.integer({ min: 0, max: 255 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('wait' as const, 'reopen' as const, 'kill' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      operation: fc.constantFrom('sync' as const, 'write' as const),
      code: fc.constantFrom('EIO' as const, 'ENOSPC' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      after: fc.integer({ min: 0, max: 25 }),
      seed: fc.integer({ min: 0, max: 1_000_000 }),
    }),
  },
)

const LIFE: readonly Step[] = [
  { kind: 'put', count: 3, key: 'k', lane: 'normal', life: 'plain' },
  { kind: 'put', count: 2, key: undefined, lane: 'alarm', life: 'short' },
  { kind: 'take', consumer: 0, count: 3 },
  { kind: 'acknowledge', consumer: 0, which: 0b101 },
  { kind: 'reject', consumer: 0, which: 0xff },
  { kind: 'take', consumer: 1, count: 5 },
  { kind: 'wait' },
  { kind: 'take', consumer: 1, count: 5 },
  { kind: 'put', count: 2, key: undefined, lane: 'bulk', life: 'plain' },
  { kind: 'wait' },
  { kind: 'take', consumer: 0, count: 5 },
  { kind: 'acknowledge', consumer: 0, which: 0xff },
]

/** The same life, with the power cut after so many calls of the disk, wherever that is. */
async function liveUntil(calls: number): Promise<number> {
  const files = memoryFiles()
  const world = new QueueWorld({ quota: { countMax: 6, whenFull: 'drop-oldest' } }, files)
  files.stopAfter(calls)
  await world.run(LIFE)
  return files.operations
}

describe('a queue whose power fails', () => {
  test('at every single call of a short life keeps what was promised', async () => {
    const whole = await liveUntil(1_000_000)
    expect(whole).toBeGreaterThan(60)
    for (let calls = 0; calls <= whole; calls += 1) await liveUntil(calls)
  }, 60_000)

  for (const [name, quota] of [
    ['without a quota', {}],
    ['with a quota that drops the oldest', { countMax: 12, whenFull: 'drop-oldest' }],
    ['with a quota that drops the least urgent', { countMax: 12, whenFull: 'drop-lowest-priority' }],
  ] as const)
    test(`again and again, ${name}, keeps what was promised`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), (steps) =>
          new QueueWorld({ quota }).run(steps),
        ),
        { numRuns: Number(process.env.MILLRACE_RUNS ?? 40) },
      )
    }, 60_000)
})
