import type { MemoryFiles } from '@millrace/memory'
import { runExhaustive, runLog } from '@millrace/simulation'
import { describe, expect, test } from 'vitest'
import { replacing } from '../replacing.ts'

describe('a log on a disk whose power fails at every moment', () => {
  test('keeps all its promises under the first seeds', async () => {
    let points = 0
    for (let seed = 1; seed <= 2; seed += 1) {
      const report = await runLog(seed)
      expect(report.violation).toBeUndefined()
      points += report.points
    }
    expect(points).toBeGreaterThan(500)
  })

  test('is run the same way twice under the same seed', async () => {
    const told = async () => {
      const lines: string[] = []
      const report = await runLog(4, { note: (line) => lines.push(line) })
      return { report, lines }
    }
    expect(await told()).toEqual(await told())
  })
})

describe('every short trace of a log', () => {
  test('keeps all promises, whatever of all that is possible a power cut leaves', async () => {
    const { traces, points, statesMax, violation } = await runExhaustive({ operationsMax: 5 })
    expect(violation).toBeUndefined()
    expect(traces).toBeGreaterThan(40)
    expect(points).toBeGreaterThan(500)
    expect(statesMax).toBeGreaterThan(10)
  })

  test('can be run alone', async () => {
    const only = { start: 'one record', steps: ['append over sectors'] }
    expect(await runExhaustive({ operationsMax: 12, only })).toMatchObject({
      traces: 1,
      violation: undefined,
    })
  })
})

/** What each disk does that it must not, and that the log is not to blame for. */
const lies: Readonly<Record<string, (disk: MemoryFiles) => MemoryFiles>> = {
  'says that files are synced, and are not': (disk) =>
    replacing(disk, {
      open: async (path, mode) => {
        const file = await disk.open(path, mode)
        return replacing(file, {
          sync: async () => {},
          writeDurable: (buffers, at) => file.write(buffers, at),
        })
      },
    }),
  'says that names are synced, and are not': (disk) => replacing(disk, { syncDirectory: async () => {} }),
  'leaves out the last byte of a write': (disk) =>
    replacing(disk, {
      open: async (path, mode) => {
        const file = await disk.open(path, mode)
        return replacing(file, {
          writeDurable: (buffers, at) =>
            file.writeDurable(
              [...buffers.slice(0, -1), buffers.at(-1)?.slice(0, -1) ?? new Uint8Array()],
              at,
            ),
        })
      },
    }),
  'loses a segment': (disk) =>
    replacing(disk, {
      syncDirectory: async (directory) => {
        await disk.syncDirectory(directory)
        const first = (await disk.list(directory)).filter((name) => name.endsWith('.seg')).sort()
        if (first.length > 1) await disk.remove(`${directory}/${first[0]}`)
      },
    }),
}

describe('the oracle outside of the log', () => {
  test.each(Object.keys(lies))('sees a disk that %s', async (lie) => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const { violation } = await runLog(seed, { tamper: lies[lie] as (disk: MemoryFiles) => MemoryFiles })
      if (violation !== undefined) return
    }
    expect.unreachable('nothing was seen in twelve seeds')
  })
})
