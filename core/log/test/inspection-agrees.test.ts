import { manualRuntime, type Random, randomInteger, seededRandom } from '@millrace/kernel'
import { dumpLog, repairLog, verifyLog } from '@millrace/log/inspection'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { contents, DIRECTORY, openTestLog, record, segmentNames } from './test-log.ts'

/**
 * What inspection says of a damaged log is what the log itself finds: the same records, and as lost what it names as a gap.
 * Damage is drawn from a seed, which the failure names:
 * `FROM=59 SEEDS=59 npx vitest run --project unit core/log/test/inspection-agrees` runs that one.
 */

const SEEDS = Number(process.env.SEEDS ?? 150)

async function randomLog(random: Random): Promise<MemoryFiles> {
  const files = memoryFiles()
  const rounds = randomInteger(random, 1, 4)
  for (let round = 0; round < rounds; round += 1) {
    // Ids of segments are random, so no two runtimes may draw the same.
    const runtime = manualRuntime({ seed: randomInteger(random, 1, 1_000_000) })
    const log = await openTestLog(files, {
      runtime,
      allocateAheadBytesMax: randomInteger(random, 0, 2) * 1000,
    })
    for (let index = randomInteger(random, 0, 12); index > 0; index -= 1) {
      const count = randomInteger(random, 1, 4)
      await log.append(
        Array.from({ length: count }, () => ({
          ...record('v'.padEnd(randomInteger(random, 1, 900), 'x')),
          key: Uint8Array.of(randomInteger(random, 0, 5)),
        })),
      )
    }
    if (randomInteger(random, 0, 4) === 0) await log.compact()
    await log.close()
  }
  return files
}

/** Up to three things that a disk, or somebody, may do to the files. */
async function damage(files: MemoryFiles, random: Random): Promise<string[]> {
  const done: string[] = []
  for (let count = randomInteger(random, 0, 4); count > 0; count -= 1) {
    const names = [...(await segmentNames(files)), 'mark', 'format.json']
    const name = names[randomInteger(random, 0, names.length)] ?? 'mark'
    const path = `${DIRECTORY}/${name}`
    const size = await files
      .list(DIRECTORY)
      .then((all) => (all.includes(name) ? files.contents(path).length : 0))
    if (size === 0) continue
    const kind = randomInteger(random, 0, 8)
    const at = randomInteger(random, 0, size)
    if (kind === 0) await files.remove(path)
    else if (kind === 1 && name !== 'mark') {
      await using file = await files.open(path, 'write')
      await file.truncate(at)
      await file.sync()
    } else files.flip(path, at, 1 << randomInteger(random, 0, 8))
    await files.syncDirectory(DIRECTORY)
    done.push(`${kind < 2 ? kind : 'flip'} ${name} ${at}`)
  }
  return done
}

const offsetsOf = (ranges: readonly { from: number; to: number }[]) =>
  ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index))
const unique = (offsets: readonly number[]) => [...new Set(offsets)].sort((left, right) => left - right)

async function dumped(files: MemoryFiles) {
  const records: number[] = []
  const gaps: { from: number; to: number }[] = []
  await dumpLog(
    { files, directory: DIRECTORY },
    {
      records: (_frame, found) => records.push(...found.map(({ offset }) => offset)) > 0,
      gap: (gap) => void gaps.push(gap),
    },
  )
  return { records, lost: unique(offsetsOf(gaps)) }
}

/** What the log says itself, on a copy of the disk. */
async function opened(files: MemoryFiles) {
  await using log = await openTestLog(files.afterCrash())
  const records = (await contents(log)).map((entry) => Number.parseInt(entry, 10))
  return { records, lost: unique(offsetsOf(log.gaps)), endOffset: log.endOffset }
}

describe('inspection and the log agree', () => {
  test('on the records that are left, on the offsets that are lost, and on the end', async () => {
    for (let seed = Number(process.env.FROM ?? 1); seed <= SEEDS; seed += 1) {
      const random = seededRandom(seed)
      const files = await randomLog(random)
      const done = await damage(files, random)
      const disk = files.afterCrash()
      const before = await verifyLog({ files: disk, directory: DIRECTORY })
      const { endOffset, ...expected } = await opened(disk)
      const place = { seed, done }
      expect({ ...place, ...(await dumped(disk)) }).toEqual({ ...place, ...expected })
      const named = before.findings.filter(
        ({ severity, kind }) => severity === 'loss' || kind === 'gap-recorded',
      )
      const lost = unique(named.flatMap(({ offsets }) => (offsets === undefined ? [] : offsetsOf([offsets]))))
      expect({ ...place, lost, records: before.records, endOffset: before.endOffset }).toEqual({
        ...place,
        lost: expected.lost,
        records: expected.records.length,
        endOffset,
      })
    }
  })

  test('that a repair loses no record, gives no offset twice, and leaves a log that opens', async () => {
    for (let seed = Number(process.env.FROM ?? 1); seed <= SEEDS; seed += 1) {
      const random = seededRandom(seed)
      const files = await randomLog(random)
      const done = await damage(files, random)
      const disk = files.afterCrash()
      const before = await opened(disk)
      const report = await repairLog({ files: disk, directory: DIRECTORY, runtime: manualRuntime() })
      const after = await opened(disk)
      const missing = before.records.filter((offset) => !after.records.includes(offset))
      const place = { seed, done, failure: report.openFailure }
      expect({ ...place, missing, end: after.endOffset >= before.endOffset }).toEqual({
        ...place,
        missing: [],
        end: true,
      })
      const damaged = report.after?.findings.filter(({ severity }) => severity === 'damage') ?? []
      expect({ ...place, damaged: damaged.filter(({ kind }) => kind !== 'frame-damaged') }).toEqual({
        ...place,
        damaged: [],
      })
    }
  })
})
