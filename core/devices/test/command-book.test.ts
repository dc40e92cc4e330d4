import type { Command, CommandState } from '@millrace/devices'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CommandBook } from '../src/commands/command-book.ts'

const limits = {
  commandsPerDeviceMax: 3,
  finishedCommandsPerDeviceMax: 2,
  outcomeMsMax: 10_000,
  commandsMax: 8,
  acknowledgedMax: 4,
}

const command = (id: string, choices: Partial<Command> = {}): Command => ({
  id,
  device: 'a',
  name: 'open',
  data: 1,
  state: 'queued',
  createdAtMs: 0,
  deadlineAtMs: 1_000,
  changedAtMs: 0,
  ...choices,
})

test('a command never goes back, whatever order its records come in', () => {
  const states = fc.array(
    fc.constantFrom<CommandState>('sent', 'acknowledged', 'done', 'failed', 'expired'),
    { maxLength: 8 },
  )
  const rank = { queued: 0, sent: 1, acknowledged: 2, done: 3, failed: 3, expired: 3 }
  fc.assert(
    fc.property(states, (sequence) => {
      const book = new CommandBook(limits)
      const entry = book.add(command('c'), 0)
      for (const state of sequence) {
        const before = entry.command.state
        const moved = book.move(entry, state, 1)
        if (moved === undefined) expect(entry.command.state).toBe(before)
        else expect(rank[state]).toBeGreaterThan(rank[before])
        if (before === 'acknowledged') expect(entry.command.state).not.toBe('expired')
      }
    }),
  )
})

test('what it remembers stays within its limits, and what has not ended is never forgotten', () => {
  const steps = fc.array(
    fc.record({ device: fc.nat(3), end: fc.constantFrom(undefined, 'done', 'acknowledged') }),
    { maxLength: 200 },
  )
  fc.assert(
    fc.property(steps, (run) => {
      const book = new CommandBook(limits)
      const open = new Set<string>()
      for (const [index, { device, end }] of run.entries()) {
        const name = `d${device}`
        if (book.isFull || book.waitingCount(name) >= limits.commandsPerDeviceMax) continue
        const entry = book.add(command(`c${index}`, { device: name }), index)
        open.add(entry.command.id)
        if (end !== undefined) book.move(entry, end as CommandState, 1)
        if (end === 'done') open.delete(entry.command.id)
        expect(book.size).toBeLessThanOrEqual(limits.commandsMax)
        for (const id of open) expect(book.find(id)).toBeDefined()
        const finished = book.commandsOf(name).filter(({ state }) => state === 'done')
        expect(finished.length).toBeLessThanOrEqual(limits.finishedCommandsPerDeviceMax)
      }
    }),
  )
})

test('the watermark is the oldest command that has not ended, or the end', () => {
  const book = new CommandBook(limits)
  const first = book.add(command('c1'), 10)
  const second = book.add(command('c2'), 20)
  expect(book.watermark(30)).toBe(10)
  book.move(first, 'done', 1)
  expect(book.watermark(30)).toBe(20)
  book.move(second, 'acknowledged', 1)
  book.giveUp(second, 'silence')
  expect(book.watermark(30)).toBe(20)
  book.addEarlier(command('c0'), 5)
  expect(book.watermark(30)).toBe(5)
  for (const id of ['c0', 'c2']) book.move(book.find(id) ?? second, 'failed', 1)
  expect(book.watermark(30)).toBe(30)
})

test('acknowledged commands beyond the limits are the oldest, until they are given up', () => {
  const book = new CommandBook(limits)
  const acknowledged = (id: string, device: string) => {
    const entry = book.add(command(id, { device }), 1)
    book.move(entry, 'acknowledged', 1)
    return entry
  }
  const [first] = ['a1', 'a2', 'a3'].map((id) => acknowledged(id, 'a'))
  expect(book.surplusOf('a')).toBeUndefined()
  acknowledged('a4', 'a')
  expect(book.surplusOf('a')).toBe(first)
  expect(book.surplusOf('b')).toBeUndefined()
  expect(book.surplus()).toEqual([])
  acknowledged('b1', 'b')
  expect(book.surplus()).toEqual([first])
  if (first !== undefined) book.giveUp(first, 'silence')
  expect([book.surplusOf('a'), book.surplus()]).toEqual([undefined, []])
  expect(book.commandsOf('a').map(({ id }) => id)).toEqual(['a4', 'a3', 'a2', 'a1'])
})

test('the next overdue one is the one whose time comes first, if it has not ended', () => {
  const book = new CommandBook(limits)
  const late = book.add(command('late', { deadlineAtMs: 300 }), 1)
  const early = book.add(command('early', { deadlineAtMs: 100 }), 2)
  const done = book.add(command('done', { deadlineAtMs: 200 }), 3)
  book.move(done, 'done', 1)
  expect(book.nextOverdue(99)).toBeUndefined()
  expect(book.nextOverdue(300)).toBe(early)
  expect(book.nextOverdue(300)).toBe(late)
  expect(book.nextOverdue(300)).toBeUndefined()
})

test('an acknowledged one is due when the time for its outcome is over, whatever its deadline was', () => {
  const book = new CommandBook(limits)
  const soon = book.add(command('soon', { deadlineAtMs: 100 }), 1)
  const far = book.add(command('far', { deadlineAtMs: 90_000 }), 2)
  book.move(soon, 'acknowledged', 50)
  book.move(far, 'acknowledged', 60)
  expect(book.nextOverdue(10_049)).toBeUndefined()
  expect(book.nextOverdue(10_050)).toBe(soon)
  book.watch(soon, 10_055)
  expect(book.nextOverdue(10_060)).toBe(soon)
  expect(book.nextOverdue(10_060)).toBe(far)
  expect(book.nextOverdue(99_999)).toBeUndefined()
})

test('deadlines of finished commands do not pile up', () => {
  const book = new CommandBook({ ...limits, finishedCommandsPerDeviceMax: 1 })
  const waits = book.add(command('waits', { deadlineAtMs: 5_000 }), 0)
  for (let index = 1; index < 5_000; index += 1) {
    book.move(book.add(command(`c${index}`, { deadlineAtMs: 9_000 }), index), 'done', 1)
  }
  expect(book.nextOverdue(5_000)).toBe(waits)
  expect(book.nextOverdue(9_000)).toBeUndefined()
})
