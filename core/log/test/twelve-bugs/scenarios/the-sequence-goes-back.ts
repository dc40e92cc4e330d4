import assert from 'node:assert/strict'
import { openLogBus } from '@millrace/bus'
import { manualRuntime, seededRandom, settle } from '@millrace/kernel'
import type { Log } from '@millrace/log'
import { type MemoryFiles, memoryFiles } from '@millrace/memory'
import {
  appended,
  closedLog,
  contents,
  cut,
  DIRECTORY,
  does,
  followed,
  large,
  named,
  opened,
  overwrite,
  positionOf,
  record,
  segmentPath,
} from '../machinery/small-log.ts'

interface Loss {
  readonly left: number
  /** Nobody sees it before somebody reads there. */
  readonly isNamedWhenRead?: boolean
  lose(files: MemoryFiles): Promise<void>
}

/** Ways in which the end of a log of five records, three in its first segment, may be lost, and what is left. */
const LOSSES: Readonly<Record<string, Loss>> = {
  'the last record is damaged': {
    left: 4,
    isNamedWhenRead: true,
    lose: async (files) => files.flip(segmentPath(3), positionOf(files, segmentPath(3), 'r4'), 1),
  },
  'the head of the last record is damaged': {
    left: 4,
    lose: async (files) => files.flip(segmentPath(3), positionOf(files, segmentPath(3), 'r4') - 20, 1),
  },
  'the last segment is cut': { left: 3, lose: (files) => cut(files, segmentPath(3), 64) },
  'the last segment is empty': { left: 3, lose: (files) => cut(files, segmentPath(3), 0) },
  'the last segment is rubbish': {
    left: 3,
    lose: (files) => overwrite(files, segmentPath(3), 0, new Uint8Array(4096).fill(0x55)),
  },
  'the last segment is gone': { left: 3, lose: (files) => files.remove(segmentPath(3)) },
  'every segment is gone': {
    left: 0,
    lose: async (files) => {
      await files.remove(segmentPath(0))
      await files.remove(segmentPath(3))
    },
  },
}

/** A consumer has everything up to 5, and the log loses its end: what is appended then is new to that consumer. */
async function theEndIsLost(): Promise<void> {
  for (const [loss, { lose, left, isNamedWhenRead }] of Object.entries(LOSSES)) {
    const files = await closedLog(5)
    await lose(files)
    const log = await opened(files)
    assert.equal(log.endOffset, 5, `${loss}: the sequence does not go back`)
    const lost = Array.from({ length: 5 - left }, (_, index) => left + index)
    if (isNamedWhenRead) await contents(log)
    assert.deepEqual(named(log), lost, `${loss}: what is lost is named`)
    const { baseOffset } = await appended(log, large('next'))
    assert.equal(baseOffset, 5, `${loss}: no offset is used again`)
    assert.deepEqual(await followed(log, 5), ['5:next'], `${loss}: a consumer at its end gets what is new`)
    await does('it closes', log.close())
    const again = await opened(files)
    if (isNamedWhenRead) await contents(again)
    // With every segment gone, the log starts behind what is lost: nobody can read there any more.
    assert.deepEqual(named(again), left === 0 ? [] : lost, `${loss}: it stays named`)
    assert.deepEqual(await followed(again, 5), ['5:next'])
  }
}

/** The segment that cannot be read any more is the only witness: the mark was never written. */
async function onlyANameIsLeft(): Promise<void> {
  const files = await closedLog(5)
  await files.remove(`${DIRECTORY}/mark`)
  await overwrite(files, segmentPath(3), 0, new Uint8Array(4096).fill(0x55))
  await cut(files, segmentPath(0), 0)
  for (let round = 0; round < 2; round += 1) {
    const log = await opened(files)
    assert.equal(log.endOffset, 3, 'a segment was begun at 3, so offsets below were given')
    await does('it closes', log.close())
  }
}

async function theMarkFallsBack(): Promise<void> {
  const runtime = manualRuntime()
  const files = memoryFiles()
  const log = await opened(files, { runtime })
  await appended(log, record('one'))
  await runtime.advance(2000)
  await appended(log, record('two'))
  await does('it closes', log.close())
  await files.remove(segmentPath(0))
  await files.syncDirectory(DIRECTORY)
  const ends: number[] = []
  for (const slot of [0, 4096]) {
    const disk = files.afterCrash()
    disk.flip(`${DIRECTORY}/mark`, slot + 16, 1)
    ends.push((await opened(disk)).endOffset)
  }
  assert.deepEqual(ends.sort(), [1, 2], 'one bad slot costs the newest mark at most')
}

/** The mark is written while the sync of later records is under way: it must not speak of them. */
async function theMarkIsNeverAhead(): Promise<void> {
  const runtime = manualRuntime()
  const latencyMs = (operation: string) => (operation === 'sync' ? 400 : 0)
  const files = memoryFiles({ scheduler: runtime.scheduler, latencyMs })
  const opening = opened(files, { runtime })
  await runtime.advance(10_000)
  const log = await opening
  const random = seededRandom(6)
  for (let round = 0; round < 12; round += 1) {
    let isOver = false
    const append = appended(log, record(`r${round}`)).then(() => {
      isOver = true
    })
    while (!isOver) {
      await runtime.advance(50)
      const states = files.crashStates({})
      for (const left of [states.least(), states.random(random), states.random(random)]) {
        const again = await opened(left)
        assert.deepEqual(again.gaps, [], 'nothing is missing that the mark speaks of')
        assert.ok(again.endOffset <= log.endOffset + 1, 'nothing counts as written before it is')
      }
    }
    await append
  }
}

async function whatWasNotDurableTakesNoOffsetBack(): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files, { durability: 'os' })
  await appended(log, record('one'))
  await does('it syncs', log.sync())
  const told: number[] = []
  for (let index = 0; index < 5; index += 1)
    told.push((await appended(log, record(`weak ${index}`))).baseOffset)
  const again = await opened(files.afterCrash())
  const { baseOffset } = await appended(again, record('next'))
  assert.ok(
    baseOffset > Math.max(...told),
    'offsets that somebody was told of are not given to other records',
  )
  assert.deepEqual(await contents(again), ['0:one', `${baseOffset}:next`])
}

async function removedToTheEnd(): Promise<void> {
  const files = memoryFiles()
  const log = await opened(files, { segmentBytesMax: 100_000 })
  for (let index = 0; index < 80; index += 1) await appended(log, large(`r${index}`))
  await does('it is trimmed', log.trimBefore(80))
  const reopened = async (disk: MemoryFiles): Promise<Log> => opened(disk, { segmentBytesMax: 100_000 })
  for (const disk of [files.afterKill(), files.afterCrash()]) {
    const again = await reopened(disk)
    assert.equal(again.endOffset, 80, 'an empty log remembers where it was')
    assert.equal((await appended(again, record('next'))).baseOffset, 80)
    assert.deepEqual(await followed(again, 80), ['80:next'])
  }
}

/** The position of a group is in another log than the messages: it can be ahead of what the disk has left of them. */
async function aGroupIsAheadOfItsTopic(): Promise<void> {
  const files = memoryFiles()
  const bus = await openLogBus({ files, runtime: manualRuntime() })
  const message = (text: string) => ({ headers: {}, value: new TextEncoder().encode(text) })
  await bus.createTopic('t', {})
  await bus.publish('t', ['1', '2', '3'].map(message))
  const member = await bus.subscribe({ group: 'g', topics: ['t'] })
  await member.commit([{ topic: 't', partition: 0, offset: 3 }])
  await bus.close()
  for (const name of await files.list('bus/topics/t/0')) await files.remove(`bus/topics/t/0/${name}`)
  await files.syncDirectory('bus/topics/t/0')
  const before = await does('the bus opens', openLogBus({ files, runtime: manualRuntime() }))
  await does('it publishes', before.publish('t', ['new 1', 'new 2'].map(message)))
  // The topic has grown when the group comes, and the bus was restarted meanwhile.
  await does('it closes', before.close())
  const again = await does('the bus opens', openLogBus({ files, runtime: manualRuntime() }))
  const later = await does('the group is joined', again.subscribe({ group: 'g', topics: ['t'] }))
  await does('it publishes', again.publish('t', ['new 3', 'new 4'].map(message)))
  const got: string[] = []
  const giveUp = new AbortController()
  const consuming = (async () => {
    while (got.length < 4)
      for (const { value } of await later.next({ signal: giveUp.signal }))
        got.push(new TextDecoder().decode(value))
  })().catch(() => {})
  for (let turn = 0; turn < 50; turn += 1) await settle()
  giveUp.abort()
  await consuming
  assert.deepEqual(got, ['new 1', 'new 2', 'new 3', 'new 4'], 'the group gets everything that is new')
}

export const bug = {
  number: 6,
  title: 'The cursor is ahead of the log, or the sequence goes back',
  seenIn: ['NATS #2055, #5412, PR #7675'],
  scenarios: {
    'whatever is lost at the end, no offset is used again, and a consumer at the end gets what is new':
      theEndIsLost,
    'a segment in which nothing can be read still tells which offsets were given': onlyANameIsLeft,
    'a damaged mark falls back to the one before': theMarkFallsBack,
    'the mark never speaks of what is not durable': theMarkIsNeverAhead,
    'offsets of records that did not wait for the disk are not given to others':
      whatWasNotDurableTakesNoOffsetBack,
    'a log from which everything was removed goes on where it was': removedToTheEnd,
    'a group whose position is ahead of its topic gets what is published then': aGroupIsAheadOfItsTopic,
  },
}
