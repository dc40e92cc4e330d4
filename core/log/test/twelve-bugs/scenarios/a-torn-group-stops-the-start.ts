import assert from 'node:assert/strict'
import { seededRandom } from '@millrace/kernel'
import type { LogOptions } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import {
  appended,
  closedLog,
  contents,
  DIRECTORY,
  does,
  large,
  numbered,
  opened,
  overwrite,
  positionOf,
  put,
  record,
  segmentPath,
} from '../machinery/small-log.ts'

const SECTOR_BYTES = 512
const PATH = segmentPath(0)
const ROOMY = { segmentBytesMax: 1_000_000 }

/** A log before its last group, and the segment as that group has left it in memory. */
interface LastGroup {
  readonly before: MemoryFiles
  readonly after: Uint8Array
  /** The sectors that the group touches. */
  readonly sectors: readonly number[]
}

async function lastGroup(sizes: readonly number[], allocateAheadBytesMax: number): Promise<LastGroup> {
  const files = memoryFiles()
  const log = await opened(files, { ...ROOMY, allocateAheadBytesMax })
  await appended(log, record('r0'))
  await appended(log, record('r1'))
  const before = files.afterCrash()
  await Promise.all(sizes.map((bytes, index) => appended(log, large(`g${index}`, bytes))))
  const after = files.contents(PATH)
  const old = before.contents(PATH)
  const sectors: number[] = []
  for (let start = 0; start < after.length; start += SECTOR_BYTES) {
    const isTouched = after
      .subarray(start, start + SECTOR_BYTES)
      .some((byte, at) => byte !== (old[start + at] ?? 0))
    if (isTouched) sectors.push(start / SECTOR_BYTES)
  }
  return { before, after, sectors }
}

async function diskWith({ before, after }: LastGroup, sectors: readonly number[]): Promise<MemoryFiles> {
  const disk = before.afterCrash()
  for (const sector of sectors) {
    const position = sector * SECTOR_BYTES
    await overwrite(disk, PATH, position, after.subarray(position, position + SECTOR_BYTES))
  }
  return disk
}

async function assertComesBack(disk: MemoryFiles, place: string): Promise<void> {
  const log = await opened(disk, ROOMY)
  const found = await contents(log)
  const whole = ['0:r0', '1:r1', '2:g0', '3:g1', '4:g2', '5:g3']
  assert.deepEqual(
    found,
    whole.slice(0, found.length),
    `${place}: what is there is the beginning of what was written`,
  )
  assert.ok(found.length >= 2, `${place}: what was acknowledged is there`)
  assert.deepEqual(log.gaps, [], `${place}: nobody had been promised what is missing`)
  const next = await appended(log, record('next'))
  assert.equal(next.baseOffset, found.length, `${place}: the log goes on behind what it has`)
  await log.close()
  assert.deepEqual(await contents(await opened(disk, ROOMY)), [...found, `${found.length}:next`], place)
}

async function everySubsetOfSectors(): Promise<void> {
  for (const ahead of [0, 1024 * 1024]) {
    const group = await lastGroup([3500], ahead)
    assert.ok(group.sectors.length >= 7 && group.sectors.length <= 10, 'the group has a few sectors')
    for (let subset = 0; subset < 2 ** group.sectors.length; subset += 1) {
      const sectors = group.sectors.filter((_, bit) => (subset >> bit) & 1)
      await assertComesBack(await diskWith(group, sectors), `${ahead} bytes ahead, sectors ${sectors}`)
    }
  }
}

/** Appends that are too large to share a frame: the group has four frames, which reach the disk in any order. */
async function framesInAnyOrder(): Promise<void> {
  const group = await lastGroup([40_000, 40_000, 40_000, 40_000], 0)
  const random = seededRandom(4)
  const frames = [0, 1, 2, 3].map((index) =>
    group.sectors.filter((sector) => Math.floor((sector * SECTOR_BYTES) / 40_080) === index),
  )
  for (let subset = 0; subset < 16; subset += 1) {
    const sectors = frames.flatMap((all, index) =>
      (subset >> index) & 1 ? all : all.filter(() => random.next() < 0.9),
    )
    await assertComesBack(await diskWith(group, sectors), `frames ${subset.toString(2)} whole`)
  }
}

/** A frame behind a torn one is intact, and would fit exactly behind what is written in its place. */
async function aTornTailNeverComesBack(): Promise<void> {
  const group = await lastGroup([40_000, 40_000], 0)
  const disk = await diskWith(group, group.sectors)
  disk.flip(PATH, positionOf(disk, PATH, 'g0'), 1)
  const log = await opened(disk, { ...ROOMY, allocateAheadBytesMax: 0 })
  assert.deepEqual(await contents(log), ['0:r0', '1:r1'])
  assert.equal((await appended(log, large('h0', 40_000))).baseOffset, 2)
  const again = await opened(disk.afterCrash(), ROOMY)
  assert.deepEqual(await contents(again), ['0:r0', '1:r1', '2:h0'])
  assert.equal(again.endOffset, 3)
}

async function halfMadeFiles(): Promise<void> {
  const closed = await closedLog(4)
  const newest = segmentPath(4)
  const leftOver: Readonly<Record<string, readonly [string, Uint8Array]>> = {
    'an empty newest segment': [newest, new Uint8Array()],
    'a newest segment that is shorter than its header': [
      newest,
      closed.contents(segmentPath(3)).subarray(0, 40),
    ],
    'a newest segment of rubbish': [newest, new Uint8Array(200).fill(0x55)],
    'a left-over segment that was never named': [`${segmentPath(6)}.tmp`, new Uint8Array(64)],
    'a left-over mark': [`${DIRECTORY}/mark.tmp`, new Uint8Array(10)],
    'a left-over format': [`${DIRECTORY}/format.json.tmp`, new Uint8Array(10)],
    'a next segment that was being made ready': [`${DIRECTORY}/next.spare`, new Uint8Array(3000)],
    'a segment that was given up and is still there': [`${segmentPath(9)}.deleted`, new Uint8Array(64)],
  }
  for (const [name, [path, bytes]] of Object.entries(leftOver)) {
    for (const allocateAheadBytesMax of [0, 100_000]) {
      const disk = closed.afterCrash()
      await put(disk, path, bytes)
      await assertTakesNoHarm(disk, name, { allocateAheadBytesMax })
    }
  }
}

async function assertTakesNoHarm(
  disk: MemoryFiles,
  name: string,
  options: Partial<LogOptions>,
): Promise<void> {
  const log = await opened(disk, options)
  assert.deepEqual(await contents(log), numbered(4), name)
  assert.deepEqual(log.gaps, [], name)
  for (let index = 4; index < 8; index += 1) await appended(log, large(`r${index}`))
  await does(`${name}: it closes`, log.close())
  assert.deepEqual(await contents(await opened(disk.afterCrash())), numbered(8), name)
}

export const bug = {
  number: 4,
  title: 'A torn or reordered append keeps the log from opening',
  seenIn: [
    'etcd #14098, #6378, #6379',
    'Telegraf #18528',
    'Mosquitto #1214, #2469, #3160',
    'Weaviate #12006',
    'Chronicle #696',
  ],
  scenarios: {
    'whichever sectors of the last group reach the disk, the log opens with what was acknowledged':
      everySubsetOfSectors,
    'frames of one group that reach the disk in another order are no damage': framesInAnyOrder,
    'a torn tail never comes back behind what is written in its place': aTornTailNeverComesBack,
    'half-made and left-over files keep nothing from starting': halfMadeFiles,
  },
}
