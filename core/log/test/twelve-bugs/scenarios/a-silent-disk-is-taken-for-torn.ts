import assert from 'node:assert/strict'
import { manualRuntime } from '@millrace/kernel'
import { openLog } from '@millrace/log'
import type { FileOperation, MemoryFiles } from '@millrace/memory'
import {
  appended,
  closedLog,
  contents,
  cut,
  DIRECTORY,
  named,
  names,
  numbered,
  opened,
  positionOf,
  put,
  record,
  SEGMENT_BYTES,
  segmentPath,
} from '../machinery/small-log.ts'

async function allBytes(files: MemoryFiles): Promise<Record<string, string>> {
  const all: Record<string, string> = {}
  for (const name of await names(files))
    all[name] = Buffer.from(files.contents(`${DIRECTORY}/${name}`)).toString('base64')
  return all
}

/** Without a mark a torn tail would be cut off: nothing says that it was acknowledged. */
async function unmarkedLog(): Promise<MemoryFiles> {
  const closed = await closedLog(8)
  await closed.remove(`${DIRECTORY}/mark`)
  return closed.afterKill()
}

/** How often the disk is asked in this way while the log is opened. */
async function callsOf(operation: FileOperation): Promise<number> {
  const files = await unmarkedLog()
  let calls = 0
  files.onCall = (call) => {
    if (call.operation === operation && call.moment === 'begun') calls += 1
  }
  await opened(files, { announce: false })
  return calls
}

/** Every single call that asks the disk while the log is opened fails once. */
async function openingChangesNothing(): Promise<void> {
  for (const operation of ['read', 'open', 'list'] as const) {
    const calls = await callsOf(operation)
    assert.ok(calls > 0)
    for (let after = 0; after < calls; after += 1) {
      const files = await unmarkedLog()
      const before = await allBytes(files)
      files.failNext(operation, 'EIO', { after })
      const place = `${operation} number ${after} fails`
      const options = { directory: DIRECTORY, segmentBytesMax: SEGMENT_BYTES, announce: false }
      const opening = openLog({ files, runtime: manualRuntime(), ...options })
      await assert.rejects(opening, { code: 'EIO' }, place)
      assert.deepEqual(await allBytes(files), before, `${place}: nothing on the disk has changed`)
      const again = await opened(files)
      assert.deepEqual(
        await contents(again),
        numbered(8),
        `${place}: everything is there when the disk answers`,
      )
      assert.deepEqual(again.gaps, [], place)
    }
  }
}

async function readingNamesNoGap(): Promise<void> {
  const files = await closedLog(8)
  const log = await opened(files)
  for (const baseOffset of [0, 3, 6]) {
    files.failNext('read', 'EIO', { path: segmentPath(baseOffset) })
    await assert.rejects(log.read(baseOffset), { code: 'LOG_READ_FAILED' })
    assert.deepEqual(log.gaps, [], 'a disk that does not answer says nothing about what is on it')
  }
  assert.deepEqual(await contents(log), numbered(8))
}

/** Ways to damage the middle of three segments at the exact border of a record, and what is lost. */
const HOLES: Readonly<
  Record<string, { dig(files: MemoryFiles): Promise<void>; readonly lost: readonly number[] }>
> = {
  'a middle segment is gone': { lost: [3, 4, 5], dig: (files) => files.remove(segmentPath(3)) },
  'a middle segment is cut behind its first record': {
    lost: [4, 5],
    dig: (files) => cut(files, segmentPath(3), positionOf(files, segmentPath(3), 'r4') - 52),
  },
  'a middle segment is cut behind its header': {
    lost: [3, 4, 5],
    dig: (files) => cut(files, segmentPath(3), 64),
  },
  'a middle segment is that of another log': {
    lost: [3, 4, 5],
    dig: async (files) => {
      const runtime = manualRuntime({ seed: 2 })
      const other = await closedLog(4, { runtime })
      await put(files, segmentPath(3), other.contents(segmentPath(3)).subarray(0, 64))
    },
  },
}

async function noHoleIsJoined(): Promise<void> {
  for (const [hole, { dig, lost }] of Object.entries(HOLES)) {
    const files = await closedLog(8)
    await dig(files)
    const log = await opened(files)
    assert.deepEqual(named(log), lost, `${hole}: it is named when the log is opened`)
    assert.deepEqual(await contents(log), numbered(8, ...lost), hole)
    assert.equal((await appended(log, record('next'))).baseOffset, 8, hole)
  }
}

export const bug = {
  number: 8,
  title: 'A disk that does not answer is taken for a torn tail; a hole between segments is not seen',
  seenIn: ['RocksDB #6288, PR #7701, PR #13226'],
  scenarios: {
    'while a disk does not answer nothing is opened, and nothing is changed': openingChangesNothing,
    'while a disk does not answer reading fails, and no gap is named': readingNamesNoGap,
    'a segment that is missing, or was cut at the exact end of a record, is a gap as soon as the log is open':
      noHoleIsJoined,
  },
}
