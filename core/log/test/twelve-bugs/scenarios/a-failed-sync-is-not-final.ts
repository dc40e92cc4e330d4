import assert from 'node:assert/strict'
import { openLogBus } from '@millrace/bus'
import { manualRuntime } from '@millrace/kernel'
import type { Durability, Log } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { appended, contents, does, large, opened, record } from '../machinery/small-log.ts'

const RECORDS = 10

interface Attempt {
  readonly acknowledged: string[]
  readonly refused: string[]
}

/** Appends over several segments; says what was acknowledged, and what was refused with which code. */
async function attempt(
  log: Log,
  codes: Set<string>,
  look: (acknowledged: readonly string[]) => Promise<void> = async () => {},
): Promise<Attempt> {
  const attempted: Attempt = { acknowledged: [], refused: [] }
  for (let index = 0; index < RECORDS; index += 1) {
    const name = `r${index}`
    try {
      const { baseOffset } = await log.append([large(name)])
      attempted.acknowledged.push(`${baseOffset}:${name}`)
      await look(attempted.acknowledged)
    } catch (error) {
      codes.add(String((error as { code?: string }).code))
      attempted.refused.push(name)
    }
  }
  return attempted
}

/** One sync fails, and forgets the pages that it was to write; every later one succeeds. */
async function anySyncMayFail(): Promise<void> {
  for (const operation of ['sync', 'syncDirectory', 'write'] as const) {
    for (let after = 0; after < 3 * RECORDS; after += 1) {
      const files = memoryFiles()
      const log = await opened(files)
      files.failNext(operation, 'EIO', { after })
      const codes = new Set<string>()
      const place = `${operation} number ${after} fails`
      const { acknowledged, refused } = await attempt(log, codes, async (until) => {
        const found = await contents(await opened(files.afterCrash()))
        assert.deepEqual(found, until, `${place}: every acknowledgement was true`)
      })
      assert.deepEqual(refused, [], `${place}: one failure refuses nothing (${[...codes]})`)
      assert.deepEqual(await contents(log), acknowledged, place)
      for (const disk of [files.afterCrash(), files.afterKill().afterCrash()]) {
        const again = await opened(disk)
        assert.deepEqual(
          await contents(again),
          acknowledged,
          `${place}, and later the power: nothing is lost`,
        )
        assert.deepEqual(again.gaps, [], place)
      }
    }
  }
}

/** A dead process may have seen a sync fail: what it had written is in the system's memory only. */
async function aFailedSyncOfTheDead(): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files, { segmentBytesMax: 100_000 })
  await appended(log, record('one'))
  files.failNext('sync', 'EIO', { times: 2 })
  await assert.rejects(log.append([large('in doubt', 3000)]), { code: 'LOG_STORAGE_FAILED' })
  await assert.rejects(log.append([record('later')]), { code: 'LOG_STORAGE_FAILED' })
  assert.deepEqual(await contents(log), ['0:one'], 'a log that takes nothing more can be read')
  const disk = files.afterKill()
  const again = await opened(disk)
  await appended(again, record('two'))
  const read = await contents(again)
  assert.deepEqual(await contents(await opened(disk.afterCrash())), read, 'what was read stays')
}

/** The disk is full at any call; then there is space again, and nobody has restarted anything. */
async function aFullDiskIsAState(): Promise<void> {
  for (const operation of ['write', 'open', 'truncate', 'rename', 'syncDirectory'] as const) {
    for (let after = 0; after < 24; after += 1) {
      const files = memoryFiles()
      const log = await opened(files)
      files.failNext(operation, 'ENOSPC', { after, times: 3 })
      const codes = new Set<string>()
      const first = await attempt(log, codes)
      const place = `the disk is full for ${operation} number ${after}`
      codes.delete('DISK_FULL')
      assert.deepEqual([...codes], [], `${place}: appends are refused with DISK_FULL`)
      const next = await does(
        'it goes on when there is space',
        untilTaken(() => log.append([record('next')])),
      )
      const expected = [...first.acknowledged, `${next.baseOffset}:next`]
      assert.deepEqual(await contents(log), expected, `${place}: refused appends leave nothing`)
      const again = await opened(files.afterCrash())
      assert.deepEqual(await contents(again), expected, `${place}, and later the power: none comes back`)
      assert.deepEqual(again.gaps, [], place)
    }
  }
}

/** The same by size: writes stop in the middle of a frame. */
async function aDiskThatFillsUp(): Promise<void> {
  for (const durability of ['disk', 'os'] as const) {
    for (let roomBytes = 0; roomBytes < 9000; roomBytes += 331) await fillUp(roomBytes, durability)
  }
  for (let roomBytes = 1000; roomBytes < 80_000; roomBytes += 9000) await refuseGroup(roomBytes)
}

/** One frame of a group fits, and the other does not: both are refused, and neither is there afterwards. */
async function refuseGroup(roomBytes: number): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files, { segmentBytesMax: 1_000_000, allocateAheadBytesMax: 0 })
  await appended(log, record('begun'))
  files.diskBytesMax = files.bytes + roomBytes
  const group = ['g0', 'g1'].map((name) => log.append([large(name, 40_000)]))
  for (const { status } of await Promise.allSettled(group)) assert.equal(status, 'rejected')
  for (const disk of [files.afterCrash(), files.afterKill()]) {
    const again = await opened(disk, { segmentBytesMax: 1_000_000 })
    assert.deepEqual(
      await contents(again),
      ['0:begun'],
      `${roomBytes} bytes are free: nothing refused is there`,
    )
  }
}

async function fillUp(roomBytes: number, durability: Durability): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files, { durability })
  await appended(log, record('begun'))
  files.diskBytesMax = files.bytes + roomBytes
  const codes = new Set<string>()
  const { acknowledged } = await attempt(log, codes)
  const place = `${roomBytes} bytes are free, ${durability}`
  assert.deepEqual([...codes], roomBytes < 5000 ? ['DISK_FULL'] : [...codes], place)
  files.diskBytesMax = Number.POSITIVE_INFINITY
  const { baseOffset } = await appended(log, record('next'))
  await does('it syncs', log.sync())
  const expected = ['0:begun', ...acknowledged, `${baseOffset}:next`]
  assert.deepEqual(await contents(log), expected, place)
  assert.deepEqual(
    await contents(await opened(files.afterCrash())),
    expected,
    `${place}, and later the power`,
  )
}

/** Positions of groups are records, too: a full disk refuses a commit, and the next one succeeds. */
async function aCommitOnAFullDisk(): Promise<void> {
  const files = memoryFiles()
  const bus = await openLogBus({ files, runtime: manualRuntime() })
  await bus.createTopic('t', {})
  await bus.publish('t', [{ headers: {}, value: new Uint8Array([1]) }])
  const member = await bus.subscribe({ group: 'g', topics: ['t'] })
  files.failNext('write', 'ENOSPC', { times: 3 })
  const position = { topic: 't', partition: 0, offset: 1 }
  await assert.rejects(member.commit([position]), { code: 'DISK_FULL' })
  await does(
    'the commit succeeds when there is space',
    untilTaken(() => member.commit([position])),
  )
  const again = await openLogBus({ files: files.afterCrash() as MemoryFiles, runtime: manualRuntime() })
  const [group] = await again.listGroups()
  assert.equal(group?.positions[0]?.offset, 1)
}

/** The fault is there for the first few calls. */
async function untilTaken<Result>(call: () => Promise<Result>): Promise<Result> {
  for (let round = 0; ; round += 1) {
    try {
      return await call()
    } catch (error) {
      if (round === 4 || (error as { code?: string }).code !== 'DISK_FULL') throw error
    }
  }
}

export const bug = {
  number: 9,
  title: 'A failed sync is ignored, or repeated; a full disk is fatal',
  seenIn: ['Redis #8342, #8347', 'Rebello, ATC 2020 (five databases)', 'iotedge #835'],
  scenarios: {
    'whichever sync fails, and forgets its pages, nothing acknowledged is lost': anySyncMayFail,
    'what a dead process could not sync is made durable, or is not there': aFailedSyncOfTheDead,
    'a full disk refuses appends, wherever it shows, and goes on by itself when there is space':
      aFullDiskIsAState,
    'a disk that fills up in the middle of a frame leaves nothing of what it has refused': aDiskThatFillsUp,
    'a position that a full disk refuses can be committed when there is space': aCommitOnAFullDisk,
  },
}
