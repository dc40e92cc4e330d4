import assert from 'node:assert/strict'
import { manualRuntime, seededRandom } from '@millrace/kernel'
import { openLog } from '@millrace/log'
import { memoryFiles } from '@millrace/memory'
import {
  appended,
  contents,
  cut,
  DIRECTORY,
  does,
  everyMoment,
  large,
  names,
  opened,
  positionOf,
  record,
  segmentPath,
} from '../machinery/small-log.ts'

async function everyNameIsThere(): Promise<void> {
  const acknowledged: string[] = []
  const moments = await everyMoment(
    async (files) => {
      const log = await opened(files, { retention: { bytesMax: 12_000 } })
      for (let index = 0; index < 14; index += 1) {
        const { baseOffset } = await appended(log, large(`r${index}`))
        acknowledged.push(`${baseOffset}:r${index}`)
      }
      await does('it closes', log.close())
    },
    () => [...acknowledged],
  )
  const random = seededRandom(5)
  for (const { place, facts, powerless } of moments) {
    for (const disk of [powerless.least(), powerless.random(random), powerless.random(random)]) {
      const log = await opened(disk)
      const found = await contents(log)
      const due = facts.slice(log.startOffset)
      assert.deepEqual(found.slice(0, due.length), due, `no power in ${place}`)
      assert.deepEqual(log.gaps, [], `no power in ${place}: nothing is missing`)
      const broken = (await names(disk)).filter((name) => name.endsWith('.corrupt'))
      assert.deepEqual(broken, [], `no power in ${place}: no file has a name before its contents`)
      await does('it closes', log.close())
    }
  }
}

async function whatIsGoneStaysGone(): Promise<void> {
  for (const remove of ['retention', 'trimBefore'] as const) {
    const files = memoryFiles()
    const log = await opened(files, { retention: { bytesMax: 5000 } })
    for (let index = 0; index < 12; index += 1) await appended(log, large(`r${index}`))
    const { startOffset } = await does(
      'it removes',
      remove === 'retention' ? log.applyRetention() : log.trimBefore(9),
    )
    assert.ok(startOffset > 0, 'something was removed')
    const again = await opened(files.afterCrash())
    assert.equal(again.startOffset, startOffset, 'what was removed is gone for good')
    assert.deepEqual(again.gaps, [])
  }
}

/** The process dies between making a segment and syncing its name; the next one must not build on that name. */
async function namesOfTheDeadAreSynced(): Promise<void> {
  const files = memoryFiles()
  const first = await openLog({ files, directory: DIRECTORY, runtime: manualRuntime() })
  files.failNext('syncDirectory', 'EIO', { times: 2 })
  await assert.rejects(first.append([record('one')]))
  await first.close()
  const second = await opened(files.afterKill())
  await appended(second, record('two'))
  const disk = files.afterKill()
  const third = await opened(disk)
  const { baseOffset } = await appended(third, record('three'))
  const found = await contents(await opened(disk.afterCrash()))
  assert.ok(found.includes(`${baseOffset}:three`), 'a record is there whose segment another process has made')
}

/** What recovery cuts off is kept beside the log, for whoever wants to know: also after the next power cut. */
async function whatIsCutOffIsKept(): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files, { allocateAheadBytesMax: 0 })
  for (const name of ['r0', 'r1']) await appended(log, large(name))
  const disk = files.afterCrash()
  await cut(disk, segmentPath(0), positionOf(disk, segmentPath(0), 'r1') + 100)
  await opened(disk)
  const left = disk.afterCrash()
  const torn = (await names(left)).filter((name) => name.endsWith('.torn'))
  assert.equal(torn.length, 1, 'the torn tail is there')
  assert.ok(left.contents(`${DIRECTORY}/${torn[0]}`).length > 100, 'with its contents')
}

export const bug = {
  number: 5,
  title: 'Names of files are not synced',
  seenIn: ['etcd #6368', 'Redis #3487, #10737'],
  scenarios: {
    'whatever the disk forgets of its names, everything acknowledged is there, over rolls and removals':
      everyNameIsThere,
    'what was removed does not come back when the power fails': whatIsGoneStaysGone,
    'a name that a dead process has made is durable before anything under it is acknowledged':
      namesOfTheDeadAreSynced,
    'a torn tail that was cut off is kept, also when the power fails again': whatIsCutOffIsKept,
  },
}
