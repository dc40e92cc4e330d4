import { EmbeddedBus } from '@millrace/bus'
import type { MemoryFiles } from '@millrace/memory'
import { runBus } from '@millrace/simulation'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { replacing } from '../replacing.ts'

describe('a bus on a disk whose power fails', () => {
  test('keeps all its promises under the first seeds', async () => {
    let points = 0
    for (let seed = 1; seed <= 4; seed += 1) {
      const report = await runBus(seed)
      expect(report.violation).toBeUndefined()
      points += report.points
    }
    expect(points).toBeGreaterThan(300)
  })

  test('is run the same way twice under the same seed', async () => {
    const told = async () => {
      const lines: string[] = []
      const report = await runBus(7, { note: (line) => lines.push(line) })
      return { report, lines }
    }
    expect(await told()).toEqual(await told())
  })
})

/** A disk that says that files are synced, and are not, where `isLying`. */
const lying = (isLying: (path: string) => boolean) => (disk: MemoryFiles) =>
  replacing(disk, {
    open: async (path, mode) => {
      const file = await disk.open(path, mode)
      if (!isLying(path)) return file
      return replacing(file, { sync: async () => {}, writeDurable: (buffers, at) => file.write(buffers, at) })
    },
  })

describe('the comparison with a record outside of the bus', () => {
  afterEach(() => void vi.restoreAllMocks())

  /** What the first seeds find wrong. */
  async function findings(tamper?: (disk: MemoryFiles) => MemoryFiles): Promise<string> {
    for (let seed = 1; seed <= 30; seed += 1) {
      const { violation } = await runBus(seed, tamper === undefined ? {} : { tamper })
      if (violation !== undefined) return violation.what
    }
    return 'nothing'
  }

  test.each([
    ['messages', /topics\/t\//],
    ['topics and epochs', /state\/topics/],
    ['positions', /state\/positions/],
    ['delayed messages', /state\/delayed/],
    ['writers', /topics\/state\//],
    ['dead letters', /dead-letters\//],
  ])('sees that %s are lost by a disk that lies', async (_, path) => {
    expect(await findings(lying((opened) => path.test(opened)))).not.toBe('nothing')
  })

  test('sees that repetitions are not recognised', async () => {
    const { publish } = EmbeddedBus.prototype
    vi.spyOn(EmbeddedBus.prototype, 'publish').mockImplementation(function (
      this: EmbeddedBus,
      topic,
      messages,
      options,
    ) {
      return publish.call(
        this,
        topic,
        messages.map(({ idempotencyKey: _, ...rest }) => rest),
        options,
      )
    })
    expect(await findings()).toMatch(/is there \d times|has shown/)
  })
})
