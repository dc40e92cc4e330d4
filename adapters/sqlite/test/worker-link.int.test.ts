import { WorkerLink } from '@millrace/sqlite'
import { describe, expect, test } from 'vitest'
import { codeOf } from './bench-operations.ts'

const COMMIT = {
  kind: 'commit',
  unit: { operations: [], correlationId: undefined, causationId: undefined },
} as const
const READ = { kind: 'read', reads: [] } as const

function linkTo(script: string, batchMax = 1): WorkerLink {
  const settings = {
    role: 'writer',
    file: 'x.db',
    busyTimeoutMs: 1,
    statementsMax: 1,
    fileBytesMax: undefined,
  } as const
  return new WorkerLink({
    script: new URL(script, import.meta.url),
    settings,
    now: () => 0,
    requestsMax: 10,
    requestBytesMax: 10,
    batchMax,
  })
}

describe('the way to the worker', () => {
  test('rejects what is on its way and what waits when the thread dies', async () => {
    const link = linkTo('./fixtures/dying-worker.ts')
    await link.open()
    const codes = await Promise.all([codeOf(link.send(COMMIT)), codeOf(link.send(READ))])
    expect(codes).toEqual(['DATABASE_FAILED', 'DATABASE_FAILED'])
    await link.close()
  })

  test('starts another thread for what comes after that', async () => {
    const link = linkTo('./fixtures/dying-worker.ts')
    await link.open()
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await codeOf(link.send(COMMIT))).toBe('DATABASE_FAILED')
      expect(await link.send(READ)).toBe('done')
    }
    await link.close()
  })

  test('rejects what waits for the file to be opened if it cannot be', async () => {
    const link = linkTo('./fixtures/failing-worker.ts')
    const [opened, waited] = [codeOf(link.open()), codeOf(link.send(READ))]
    expect(await opened).toBe('DATABASE_FOREIGN')
    expect(await waited).toBe('DATABASE_FOREIGN')
    expect(await codeOf(link.send(READ))).toBe('DATABASE_FOREIGN')
    await link.close()
  })

  test('does what waits for another thread before it closes', async () => {
    const link = linkTo('./fixtures/dying-worker.ts')
    await link.open()
    expect(await codeOf(link.send(COMMIT))).toBe('DATABASE_FAILED')
    const answers: unknown[] = []
    const read = link.send(READ).then((answer) => answers.push(answer))
    await link.close()
    expect(answers).toEqual(['done'])
    await read
  })

  test('closes when the thread dies of the last request', async () => {
    const link = linkTo('./fixtures/dying-worker.ts')
    await link.open()
    const committed = codeOf(link.send(COMMIT))
    await link.close()
    expect(await committed).toBe('DATABASE_FAILED')
  })
})
