import assert from 'node:assert/strict'
import { openLogBus } from '@millrace/bus'
import { isMillraceError, manualRuntime } from '@millrace/kernel'
import { openLog } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import {
  appended,
  closedLog,
  contents,
  DIRECTORY,
  does,
  large,
  names,
  numbered,
  opened,
  put,
  record,
} from '../machinery/small-log.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
const TIMES = 1000

/** The same settings, others, smaller and larger ones, again and again, with an append in between. */
async function settingsAThousandTimes(): Promise<void> {
  const files = memoryFiles()
  const choices = [
    {},
    { segmentBytesMax: 8192 },
    { allocateAheadBytesMax: 0 },
    { segmentBytesMax: 64_000, retention: { bytesMax: 50_000_000 } },
    { retention: { ageMsMax: 24 * HOUR_MS }, pendingBytesMax: 4096 },
    { durability: 'os' as const },
  ]
  for (let round = 0; round < TIMES; round += 1) {
    const log = await opened(files, choices[round % choices.length])
    await appended(log, record(`r${round}`))
    await does('it closes', log.close())
  }
  assert.deepEqual(await contents(await opened(files)), numbered(TIMES))
}

async function topicsAThousandTimes(): Promise<void> {
  const files = memoryFiles()
  const bus = await does('the bus opens', openLogBus({ files, runtime: manualRuntime() }))
  const publications: Promise<unknown>[] = []
  for (let round = 0; round < TIMES; round += 1) {
    const retention = round % 2 === 0 ? {} : { bytesMax: 50_000_000 + (round % 3), ageMsMax: 24 * HOUR_MS }
    publications.push(does('the topic is there', bus.createTopic('t', { partitions: 2, retention })))
    const message = { key: `k${round % 7}`, headers: {}, value: new TextEncoder().encode(`${round}`) }
    if (round > 0) publications.push(does('it publishes', bus.publish('t', [message])))
    if (round % 50 === 0) await Promise.all(publications.splice(0))
  }
  await Promise.all(publications)
  await does('it closes', bus.close())
  const again = await does('the bus opens', openLogBus({ files, runtime: manualRuntime() }))
  const [topic] = await again.listTopics()
  const count = topic?.partitions.reduce(
    (sum, { startOffset, endOffset }) => sum + endOffset - startOffset,
    0,
  )
  assert.equal(count, TIMES - 1, 'every message is there')
}

/** Ways to damage what stands beside the segments. */
async function* damagedDisks(closed: MemoryFiles): AsyncGenerator<readonly [string, MemoryFiles]> {
  for (const name of ['format.json', 'mark']) {
    const path = `${DIRECTORY}/${name}`
    const bytes = closed.contents(path)
    for (let position = 0; position < Math.min(bytes.length, 4200); position += 1) {
      if (name === 'mark' && bytes[position] === 0 && position % 512 !== 0) continue
      for (const mask of [1, 0x10, 0xff]) {
        const disk = closed.afterCrash()
        disk.flip(path, position, mask)
        yield [`${name}, byte ${position}, ${mask}`, disk]
      }
    }
    for (const [how, contents] of Object.entries({
      empty: '',
      'half of it': '{"format":"mill',
      null: 'null',
      other: '[7]',
    })) {
      const disk = closed.afterCrash()
      await put(disk, path, new TextEncoder().encode(contents))
      yield [`${name} is ${how}`, disk]
    }
    const disk = closed.afterCrash()
    await disk.remove(path)
    yield [`${name} is gone`, disk]
  }
}

async function damagedMetadata(): Promise<void> {
  for await (const [damage, disk] of damagedDisks(await closedLog(5))) {
    const before = await names(disk)
    const options = { files: disk, directory: DIRECTORY, runtime: manualRuntime(), segmentBytesMax: 4096 }
    try {
      const log = await openLog(options)
      assert.deepEqual(await contents(log), numbered(5), `${damage}: every record is there`)
      assert.equal((await appended(log, record('next'))).baseOffset, 5, damage)
      await does('it closes', log.close())
    } catch (error) {
      // One digit makes it the work of a newer program: that is refused, and nothing is touched.
      assert.ok(isMillraceError(error, 'DIRECTORY_TOO_NEW'), `${damage}: ${error}`)
      assert.deepEqual(await names(disk), before, damage)
    }
  }
}

/** NATS took a stream whose metadata it could not read for an orphan, and cleaned it up. */
async function filesThatNobodyKnows(): Promise<void> {
  const strangers = ['notes.txt', '7.seg', '00000000000000000000.seg.bak', 'mark.old', 'consumers', '.keep']
  const files = await closedLog(5)
  for (const name of strangers) await put(files, `${DIRECTORY}/${name}`, new TextEncoder().encode(name))
  for (let round = 0; round < 2; round += 1) {
    const log = await opened(files, { retention: { bytesMax: 1 } })
    await does('retention runs', log.applyRetention())
    await does('it closes', log.close())
  }
  const left = await names(files)
  for (const name of strangers) assert.ok(left.includes(name), `${name} is there`)
  for (const name of strangers)
    assert.equal(new TextDecoder().decode(files.contents(`${DIRECTORY}/${name}`)), name, 'it is left alone')
}

/** What is not a segment on its way out is never removed, nor is the segment that is written to. */
async function retentionKeepsToItsRule(): Promise<void> {
  const runtime = manualRuntime()
  const files = memoryFiles()
  const log = await opened(files, { runtime, retention: { ageMsMax: HOUR_MS } })
  for (let index = 0; index < 12; index += 1) {
    await appended(log, large(`r${index}`))
    await runtime.advance(10 * 60_000)
  }
  await runtime.advance(5 * 60_000)
  // The newest record of the first segment is 105 minutes old, of the second 75, of the third 45, its oldest 65.
  await does('retention runs', log.applyRetention())
  assert.equal(log.startOffset, 6, 'an hour is an hour')
  await runtime.advance(14 * 60_000)
  await does('retention runs', log.applyRetention())
  assert.deepEqual(await contents(log), numbered(12).slice(6), 'younger ones stay')
  await runtime.advance(YEAR_MS)
  await does('retention runs', log.applyRetention())
  assert.deepEqual(await contents(log), numbered(12).slice(9), 'the segment that is written to stays')
}

async function theClockJumps(): Promise<void> {
  for (const jumpMs of [10 * YEAR_MS, -10 * YEAR_MS, 10 * YEAR_MS, -60 * YEAR_MS]) {
    const runtime = manualRuntime()
    const files = memoryFiles()
    const options = { runtime, retention: { ageMsMax: 24 * HOUR_MS } }
    const log = await opened(files, options)
    const appendFew = async (from: number) => {
      for (let index = from; index < from + 6; index += 1) {
        await appended(log, large(`r${index}`))
        await runtime.advance(1000)
        await does('retention runs', log.applyRetention())
      }
    }
    await appendFew(0)
    runtime.jumpWallClock(jumpMs)
    await appendFew(6)
    runtime.jumpWallClock(-jumpMs)
    await appendFew(12)
    const place = `${jumpMs / YEAR_MS} years and back`
    assert.deepEqual(await contents(log), numbered(18), `${place}: nothing is older than a minute`)
    assert.deepEqual(log.gaps, [], place)
    await does('it closes', log.close())
    assert.deepEqual(await contents(await opened(files, options)), numbered(18), `${place}, and opened again`)
  }
}

/** Telegraf and Mosquitto never gave space back; Vector looked full after a crash. */
async function spaceIsCountedAndGivenBack(): Promise<void> {
  const bytesMax = 20_000
  const options = { retention: { bytesMax } }
  const files = memoryFiles()
  const log = await opened(files, options)
  for (let index = 0; index < 200; index += 1) await appended(log, large(`r${index}`))
  await does('retention runs', log.applyRetention())
  for (const disk of [files.afterKill(), files.afterCrash()]) {
    const again = await opened(disk, options)
    const segments = (await names(disk)).filter((name) => name.endsWith('.seg'))
    const bytes = segments.reduce((sum, name) => sum + disk.contents(`${DIRECTORY}/${name}`).length, 0)
    assert.equal(again.bytes, bytes, 'what is counted is what the files have')
    for (let index = 0; index < 100; index += 1) await appended(again, large(`s${index}`))
    await does('retention runs', again.applyRetention())
    assert.ok(again.bytes <= bytesMax, 'the log keeps to its size after a crash, too')
    await does('it closes', again.close())
    assert.ok(disk.bytes <= bytesMax + 20_000, `the disk gets the space back, and has ${disk.bytes} bytes`)
    const trimmed = await opened(disk)
    await does('it is trimmed', trimmed.trimBefore(trimmed.endOffset))
    assert.ok(trimmed.bytes <= 2 * 4096, 'what is consumed is given back')
  }
}

export const bug = {
  number: 11,
  title: 'Settings, metadata or the clock destroy the store',
  seenIn: [
    'ThingsBoard gateway #2124, and its TTL in seconds for milliseconds',
    'NATS #7556',
    'iotedge #5095',
    'Telegraf #16696',
    'Mosquitto #2647',
    "Vector's buffer that looks full after a crash",
  ],
  scenarios: {
    'a log that is opened a thousand times with the same and other settings keeps everything':
      settingsAThousandTimes,
    'a topic whose settings are pushed a thousand times under load keeps everything': topicsAThousandTimes,
    'a damaged mark or format costs no record': damagedMetadata,
    'files that nobody knows are left alone': filesThatNobodyKnows,
    'retention removes what is older than its milliseconds, and nothing else': retentionKeepsToItsRule,
    'a clock that jumps ten years, and back, costs no record': theClockJumps,
    'space is counted from the files, and given back': spaceIsCountedAndGivenBack,
  },
}
