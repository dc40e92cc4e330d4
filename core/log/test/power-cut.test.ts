import { manualRuntime, seededRandom } from '@millrace/kernel'
import type { Log, LogOptions } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contents, frameAround, large, openTestLog, record, segmentPath } from './test-log.ts'

/** Knows, outside of the log, what was acknowledged: the value by its offset. */
class Oracle {
  readonly acknowledged = new Map<number, string>()
  readonly attempted = new Set<string>()

  get end(): number {
    return Math.max(-1, ...this.acknowledged.keys()) + 1
  }

  async append(log: Log, names: readonly string[], bytes: number): Promise<void> {
    for (const name of names) this.attempted.add(name)
    const { baseOffset } = await log.append(names.map((name) => large(name, bytes)))
    for (const [index, name] of names.entries()) {
      const offset = baseOffset + index
      expect(this.acknowledged.has(offset), `offset ${offset} is used once`).toBe(false)
      this.acknowledged.set(offset, name)
    }
  }

  /** Everything acknowledged is there, and nothing that nobody ever appended. */
  async check(log: Log): Promise<void> {
    expect(log.gaps).toEqual([])
    const read = new Map((await contents(log)).map((entry) => entry.split(':') as [string, string]))
    for (const [offset, name] of this.acknowledged) {
      if (offset >= log.startOffset) expect(read.get(String(offset))).toBe(name)
    }
    for (const name of read.values()) expect(this.attempted).toContain(name)
    expect(log.endOffset).toBeGreaterThanOrEqual(this.end)
    // What was in doubt and has been read now counts: it must not change any more.
    for (const [offset, name] of read) this.acknowledged.set(Number(offset), name)
  }
}

type Action =
  | { readonly kind: 'append'; readonly count: number; readonly parallel: number; readonly bytes: number }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'retain' }
  | {
      readonly kind: 'fault'
      readonly operation: 'sync' | 'write' | 'syncDirectory' | 'rename'
      readonly code: 'EIO' | 'ENOSPC'
    }
  | { readonly kind: 'wait' }
  | { readonly kind: 'crash'; readonly after: number; readonly seed: number }

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 4 }),
      parallel: fc.integer({ min: 1, max: 3 }),
      bytes: fc.constantFrom(5, 300, 900),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retain' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      operation: fc.constantFrom(
        'sync' as const,
        'write' as const,
        'syncDirectory' as const,
        'rename' as const,
      ),
      code: fc.constantFrom('EIO' as const, 'ENOSPC' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      after: fc.integer({ min: 0, max: 25 }),
      seed: fc.integer({ min: 0, max: 1_000_000 }),
    }),
  },
)

/** Runs actions against one log, over any number of power cuts. */
class World {
  readonly #oracle = new Oracle()
  #files: MemoryFiles = memoryFiles()
  #runtime = manualRuntime()
  #log: Log | undefined
  #sequence = 0
  #seed = 0
  #crashSeed: number | undefined

  async run(actions: readonly Action[]): Promise<void> {
    await this.#open()
    for (const next of actions) {
      await this.#act(next).catch((error: unknown) => this.#expectForeseen(error))
      if (this.#log === undefined || this.#crashSeed !== undefined) await this.#maybeCrash(next)
    }
    await this.#crash(this.#crashSeed ?? 1)
  }

  async #act(next: Action): Promise<void> {
    switch (next.kind) {
      case 'append':
        await Promise.all(Array.from({ length: next.parallel }, () => this.#append(next.count, next.bytes)))
        return
      case 'reopen':
        await this.#log?.close()
        await this.#open()
        return
      case 'retain':
        await this.#log?.applyRetention()
        return
      case 'wait':
        return this.#runtime.advance(2000)
      case 'fault':
        this.#files.failNext(next.operation, next.code)
        return
      case 'crash':
        this.#files.stopAfter(next.after)
        this.#crashSeed = next.seed
    }
  }

  /** The machine has stopped at some call; the power comes back when somebody has noticed, or at the next step. */
  async #maybeCrash(last: Action): Promise<void> {
    if (last.kind !== 'crash') await this.#crash(this.#crashSeed ?? 0)
  }

  async #crash(seed: number): Promise<void> {
    this.#files = this.#files.crash({ random: seededRandom(seed) })
    this.#crashSeed = undefined
    await this.#open()
  }

  async #append(count: number, bytes: number): Promise<void> {
    const names = Array.from({ length: count }, () => `value${this.#sequence++}`)
    await this.#oracle.append(this.#log as Log, names, bytes)
  }

  async #open(): Promise<void> {
    this.#log = undefined
    this.#seed += 1
    this.#runtime = manualRuntime({ seed: this.#seed })
    const options: Partial<LogOptions> = { runtime: this.#runtime, retention: { bytesMax: 12_000 } }
    this.#log = await openTestLog(this.#files, options)
    await this.#oracle.check(this.#log)
  }

  #expectForeseen(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (!['EIO', 'DISK_FULL', 'LOG_STORAGE_FAILED', 'LOG_READ_FAILED', 'LOG_CLOSED'].includes(String(code)))
      throw error
  }
}

describe('a log whose power fails', () => {
  test('at every single call of a short life keeps what was acknowledged', async () => {
    const life = async (files: MemoryFiles, oracle: Oracle) => {
      for (let round = 0; round < 2; round += 1) {
        const runtime = manualRuntime({ seed: round + 1 })
        const log = await openTestLog(files, { runtime, retention: { bytesMax: 6000 } })
        await oracle.append(log, [`r${round}a`], 10)
        for (let index = 0; index < 5; index += 1) await oracle.append(log, [`r${round}b${index}`], 1200)
        await runtime.advance(2000)
        await log.applyRetention()
        await log.close()
      }
    }
    const whole = memoryFiles()
    await life(whole, new Oracle())
    for (let step = 0; step <= whole.operations; step += 1) {
      for (const seed of [undefined, 1]) {
        const files = memoryFiles()
        const oracle = new Oracle()
        files.stopAfter(step)
        await life(files, oracle).catch(() => {})
        const survivor = files.crash(seed === undefined ? {} : { random: seededRandom(step * 10 + seed) })
        await using log = await openTestLog(survivor, { runtime: manualRuntime({ seed: 99 }) })
        await oracle.check(log)
        await oracle.append(log, ['after'], 10)
        await oracle.check(log)
      }
    }
  })

  test('again and again, with faults in between, keeps what was acknowledged and uses no offset twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40, size: 'max' }), (actions) =>
        new World().run(actions),
      ),
      { numRuns: Number(process.env.MILLRACE_RUNS ?? 40) },
    )
  })

  // Seed 119 of the simulation: the timer had written the mark without a sync, so closing found nothing to write.
  test('after it was closed in order has a durable mark, which vouches for its last record', async () => {
    const files = memoryFiles()
    const runtime = manualRuntime()
    const log = await openTestLog(files, { runtime })
    await log.append([record('first')])
    await log.append([record('last')])
    await runtime.advance(2000)
    await log.close()
    const disk = files.crash()
    disk.flip(segmentPath(0), frameAround(disk, segmentPath(0), 'last'), 1)
    await using again = await openTestLog(disk)
    expect(again.gaps).toMatchObject([{ from: 1, to: 2 }])
    expect(again.endOffset).toBe(2)
  })

  test('keeps what was acknowledged before everything else', async () => {
    const files = memoryFiles()
    const log = await openTestLog(files)
    for (let index = 0; index < 20; index += 1) {
      await log.append([record(String(index))])
      await using survivor = await openTestLog(files.afterCrash())
      expect(await contents(survivor)).toHaveLength(index + 1)
    }
  })
})
