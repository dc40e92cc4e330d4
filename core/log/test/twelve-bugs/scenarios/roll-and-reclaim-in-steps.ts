import assert from 'node:assert/strict'
import { seededRandom, settle } from '@millrace/kernel'
import { followLog, type LogOptions } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import {
  appended,
  contents,
  does,
  everyMoment,
  followed,
  large,
  names,
  opened,
  record,
} from '../machinery/small-log.ts'

/** What is known outside at a moment of a life. */
interface Known {
  readonly acknowledged: readonly string[]
  /** Where the log started when somebody was last told. */
  readonly startOffset: number
}

/** Rolls all the time, and reclaims: by retention, or because everything was consumed. */
function momentsOfALife(remove: 'retention' | 'trimBefore', options: Partial<LogOptions>) {
  const acknowledged: string[] = []
  let startOffset = 0
  const all = remove === 'retention' ? { ...options, retention: { bytesMax: 9000 } } : options
  return everyMoment<Known>(
    async (files) => {
      const log = await opened(files, all)
      for (let index = 0; index < 16; index += 1) {
        const { baseOffset } = await appended(log, large(`r${index}`))
        acknowledged.push(`${baseOffset}:r${index}`)
        if (index % 5 !== 4) continue
        const removed = remove === 'retention' ? log.applyRetention() : log.trimBefore(index - 4)
        startOffset = (await does('it removes', removed)).startOffset
      }
      await does('it closes', log.close())
    },
    () => ({ acknowledged: [...acknowledged], startOffset }),
  )
}

/** The log opens, is drained, takes more, and closes: nothing waits for ever. */
async function assertGoesOn(
  disk: MemoryFiles,
  { acknowledged, startOffset }: Known,
  place: string,
): Promise<void> {
  const log = await opened(disk)
  assert.ok(log.startOffset >= startOffset, `${place}: what was removed stays away`)
  assert.deepEqual(log.gaps, [], `${place}: nothing is missing in between`)
  const found = await followed(log)
  const due = acknowledged.slice(log.startOffset)
  assert.deepEqual(found.slice(0, due.length), due, `${place}: a consumer drains everything`)
  await appended(log, record('next'))
  await does('it closes', log.close())
  const left = (await names(disk)).filter((name) => !/^(\d{20}\.seg|mark|format\.json|.*\.torn)$/.test(name))
  assert.deepEqual(left, [], `${place}: nothing that was given up stays on the disk`)
}

async function stoppedBetweenAnyTwoSteps(): Promise<void> {
  const random = seededRandom(7)
  for (const remove of ['retention', 'trimBefore'] as const) {
    for (const options of [{}, { allocateAheadBytesMax: 0 }]) {
      for (const { place, facts, killed, powerless } of await momentsOfALife(remove, options)) {
        await assertGoesOn(killed, facts, `killed in ${place}`)
        await assertGoesOn(powerless.random(random), facts, `no power in ${place}`)
        await assertGoesOn(powerless.least(), facts, `no power, and nothing unsynced left, in ${place}`)
      }
    }
  }
}

/** A roll that fails half-way may have left a segment that says where the old one ends. */
async function aRollThatFailsHalfWay(): Promise<void> {
  for (const operation of ['write', 'rename', 'syncDirectory', 'open'] as const) {
    const files = memoryFiles()
    const log = await opened(files, { allocateAheadBytesMax: 0 })
    await appended(log, large('one'))
    files.failNext(operation, 'ENOSPC', { path: operation === 'syncDirectory' ? '' : '1.seg' })
    await log.append([large('perhaps', 3900)]).catch(() => {})
    for (const name of ['two', 'three', 'four', 'five']) await appended(log, large(name))
    const expected = await contents(log)
    const again = await opened(files.afterCrash())
    assert.deepEqual(again.gaps, [], `${operation} failed: nothing is missing`)
    assert.deepEqual(await contents(again), expected, `${operation} failed: everything is there`)
  }
}

/** Writer and reader go on together over many segments, whichever of them is ahead. */
async function readerAndWriterCrossSegments(): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files)
  const stop = new AbortController()
  const got: string[] = []
  const following = (async () => {
    for await (const records of followLog(log, 0, stop.signal))
      for (const { value } of records) got.push(new TextDecoder().decode(value).replace(/\.+$/, ''))
  })()
  const sent: string[] = []
  for (let index = 0; index < 20; index += 1) {
    sent.push(`r${index}`)
    await appended(log, large(`r${index}`))
    if (index % 3 === 0) await settle()
  }
  await settle()
  assert.deepEqual(got, sent, 'the reader has followed the writer over every roll')
  stop.abort()
  await does('the reader ends', following)
}

/** Vector's reader turned in circles behind a damaged file, and did not even hear SIGINT. */
async function whoWaitsIsToldOfTheEnd(): Promise<void> {
  const log = await opened(memoryFiles())
  await appended(log, record('one'))
  const outcomes: string[] = []
  const follow = async (signal: AbortSignal) => {
    for await (const records of followLog(log, 0, signal)) outcomes.push(`${records.length} records`)
  }
  const stop = new AbortController()
  const stopped = follow(stop.signal).then(() => outcomes.push('stopped'))
  const closed = follow(new AbortController().signal).catch((error) => outcomes.push(error.code))
  await settle()
  stop.abort()
  await stopped
  const closing = log.close()
  await does('it closes although somebody waits', closing)
  await closed
  assert.deepEqual(outcomes, ['1 records', '1 records', 'stopped', 'LOG_CLOSED'])
}

export const bug = {
  number: 7,
  title: 'Rolling and reclaiming are not atomic',
  seenIn: ['Vector PR #25570, PR #25768, #17644'],
  scenarios: {
    'stopped between any two steps of rolling and reclaiming, the log opens, is drained, goes on and closes':
      stoppedBetweenAnyTwoSteps,
    'a roll that fails half-way hides nothing that is appended later': aRollThatFailsHalfWay,
    'a reader follows the writer over every roll': readerAndWriterCrossSegments,
    'whoever waits for more is told when the log closes, and when to stop': whoWaitsIsToldOfTheEnd,
  },
}
