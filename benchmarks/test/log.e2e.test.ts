import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchLog, type Figure, type LogBenchOptions, type LogCase } from '@millrace/benchmarks'
import { expect, onTestFinished, test } from 'vitest'

const KIB = 1024

async function bench(cases: readonly LogCase[], more: Partial<LogBenchOptions> = {}): Promise<Figure[]> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const figures = await benchLog({
    cases,
    schedule: { seconds: 0.1, slices: 2, warmUpSeconds: 0.02 },
    peers: [],
    directory,
    backlog: { bytes: 512 * KIB, logs: 3, idleSeconds: 0.2, cold: false },
    amplificationBytes: 256 * KIB,
    crossProcess: { records: 20, ratePerSecond: 500 },
    nodeArgs: [],
    progress: () => {},
    ...more,
  })
  expect(await readdir(directory), 'what was written is gone').toEqual([])
  return figures
}

function named(figures: readonly Figure[], name: string): Figure {
  const figure = figures.find((each) => each.case === name)
  if (figure === undefined) throw new RangeError(`${name} is not among ${figures.map((each) => each.case)}`)
  return figure
}

test('One producer is measured beside every raw loop and beside a peer, each with its settings', async () => {
  const figures = await bench(['sequential'], { peers: ['node:sqlite'] })
  for (const name of ['rate', 'p50', 'p99', 'p99.9']) {
    const figure = named(figures, `sequential 1 KiB, ${name}`)
    expect(figure).toMatchObject({
      bench: 'log',
      value: expect.any(Number),
      rawLimit: expect.any(Number),
      ratio: expect.any(Number),
      machine: { cpus: expect.any(Number), disk: expect.any(String) },
    })
    expect(figure.limits?.map((limit) => limit.name)).toContain('asynchronous write+fdatasync')
    expect(figure.peers.map((peer) => peer.name)).toEqual([
      'node:sqlite durable',
      'node:sqlite default',
      'node:sqlite relaxed',
    ])
    for (const peer of figure.peers) {
      expect(peer.value).toBeGreaterThan(0)
      expect(peer.settings).toContain(process.versions.sqlite)
    }
  }
})

test('What many producers and batches append is counted in records, and read back', async () => {
  const figures = await bench(['concurrent', 'batches'])
  for (const name of ['256 producers 1 KiB', 'batches of 1000 x 100 B', 'read back 100 B']) {
    expect(named(figures, `${name}, rate`).value).toBeGreaterThan(1000)
  }
})

test('The durability levels stand beside each other, the strongest first', async () => {
  const [rate] = await bench(['durability'])
  expect(rate?.value).toBeGreaterThan(0)
  expect(rate?.peers.map((peer) => peer.name)).toEqual(['millrace log, interval', 'millrace log, os'])
  for (const peer of rate?.peers ?? []) expect(peer.value).toBeGreaterThan(0)
})

test('Every record that one process appends is read by another, later than it was appended', async () => {
  const figures = await bench(['cross-process'])
  const { value, rawLimit } = named(figures, 'append to read in another process, p50')
  expect(value).toBeGreaterThan(0)
  expect(rawLimit).toBeGreaterThan(0)
})

test('A backlog is opened in a process of its own, takes an append in each log, and syncs nothing when idle', async () => {
  const figures = await bench(['backlog'])
  for (const where of ['backlog of 1 MiB in 3 logs', 'backlog of 1 MiB in 1 log']) {
    expect(named(figures, `${where}, first append acknowledged`).value).toBeGreaterThan(0)
    expect(named(figures, `${where}, resident memory`).value).toBeGreaterThan(10)
    expect(named(figures, `${where}, idle, syncs`).value).toBe(0)
    expect(named(figures, `${where}, idle, writes`).value).toBe(0)
  }
})

test('All bytes that a log hands over are counted: more than its payload, and less without the zeros ahead', async () => {
  const figures = await bench(['amplification'])
  for (const name of ['sequential 1 KiB', '256 producers 1 KiB', 'batches of 1000 x 100 B']) {
    const value = (what: string) => named(figures, `amplification, ${name}, ${what}`).value ?? 0
    const withoutZeros = value('handed over without zeros ahead')
    expect(withoutZeros).toBeGreaterThan(1)
    expect(value('handed to the file system')).toBeGreaterThanOrEqual(withoutZeros)
    // What is left of zeros is the file of the mark.
    const withoutAhead = value('handed to the file system, with allocateAheadBytesMax: 0')
    expect(withoutAhead).toBeGreaterThanOrEqual(withoutZeros)
    expect(withoutAhead).toBeLessThan(withoutZeros + 1)
  }
})

test('Every item that is put into the queue is taken and acknowledged, one at a time and many at once', async () => {
  const figures = await bench(['queue'])
  expect(named(figures, 'queue, one item put, taken and acknowledged, p50').ratio).toBeGreaterThan(0)
  expect(named(figures, 'queue, 64 producers and 4 workers, put').value).toBeGreaterThan(0)
  expect(named(figures, 'queue, 64 producers and 4 workers, acknowledged').value).toBeGreaterThan(0)
})
