import assert from 'node:assert/strict'
import type { Log } from '@millrace/log'
import type { MemoryFiles } from '@millrace/memory'
import {
  appended,
  closedLog,
  contents,
  DIRECTORY,
  named,
  numbered,
  opened,
  positionOf,
  record,
  segmentPath,
  segmentPaths,
} from '../machinery/small-log.ts'

/** Every byte of headers and frame headers and ends, some of what fills the records. */
function* bytesOf(files: MemoryFiles, path: string): Generator<number> {
  const bytes = files.contents(path)
  for (let position = 0; position < bytes.length; position += bytes[position] === 0x2e ? 31 : 1)
    yield position
}

async function assertOneAppendIsLost(log: Log, count: number, place: string): Promise<void> {
  const found = await contents(log)
  const lost = Array.from({ length: count }, (_, offset) => offset).filter(
    (offset) => !found.includes(`${offset}:r${offset}`),
  )
  assert.ok(lost.length <= 1, `${place}: ${lost} are lost, and one append at most may be`)
  assert.deepEqual(named(log), lost, `${place}: the gaps name what is lost`)
  assert.deepEqual(found, numbered(count, ...lost), `${place}: nothing else has changed`)
  const { baseOffset } = await appended(log, record('next'))
  assert.equal(baseOffset, count, `${place}: no offset is used again`)
}

/** The mark knows of everything, since the log was closed. */
async function aBitInAClosedLog(): Promise<void> {
  const files = await closedLog(8)
  for (const path of await segmentPaths(files)) {
    for (const position of bytesOf(files, path)) {
      const disk = files.afterCrash()
      disk.flip(path, position, 1 << (position % 8))
      const place = `byte ${position} of ${path}`
      await assertOneAppendIsLost(await opened(disk), 8, place)
      assert.equal((await segmentPaths(disk)).length >= 3, true, `${place}: no segment is removed`)
    }
  }
}

/** No mark was written: only what stands behind the damage tells that it was acknowledged. */
async function aBitBeforeTheLastAppend(): Promise<void> {
  const files = await closedLog(3)
  await files.remove('log/mark')
  await files.syncDirectory(DIRECTORY)
  const cut = files.afterCrash()
  const path = segmentPath(0)
  const end = positionOf(cut, path, 'r2') - 64
  for (const position of bytesOf(cut, path)) {
    if (position >= end) break
    const disk = cut.afterCrash()
    disk.flip(path, position, 1 << (position % 8))
    await assertOneAppendIsLost(await opened(disk), 3, `byte ${position} of ${path}`)
  }
}

export const bug = {
  number: 3,
  title: 'One flipped bit loses the rest',
  seenIn: ['NATS #7549', "Kafka's recoverLog"],
  scenarios: {
    'a flipped bit anywhere in a closed log costs one append, and the gap names exactly that one':
      aBitInAClosedLog,
    'a flipped bit before the last append costs one append, although no mark was written':
      aBitBeforeTheLastAppend,
  },
}
