import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openQueue, type Queue } from '@millrace/log'
import { nodeFiles, nodeRuntime } from '@millrace/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-queue-'))
})
afterEach(() => rm(root, { recursive: true }))

const encoder = new TextEncoder()

function openReal(): Promise<Queue> {
  return openQueue({ files: nodeFiles(root), directory: 'queue', runtime: nodeRuntime(), deliveriesMax: 3 })
}

/** Runs the fixture until it ends, however it ends; what it has printed. */
async function runTaker(): Promise<string[]> {
  const script = join(import.meta.dirname, '../fixtures/take-poison.ts')
  const child = spawn(process.execPath, [script, root], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
  })
  await once(child, 'close')
  return output.split('\n').filter((line) => line !== '')
}

describe('a queue on real files', () => {
  test('puts items aside that kill the process each time, and loses none of the others', async () => {
    const queue = await openReal()
    await queue.put(
      Array.from({ length: 20 }, (_, index) => ({
        value: encoder.encode(index % 10 === 3 ? `poison ${index}` : `item ${index}`),
      })),
    )
    await queue.close()
    const acknowledged: string[] = []
    let deaths = 0
    for (let lines = await runTaker(); ; lines = await runTaker()) {
      acknowledged.push(...lines)
      if (lines.at(-1) === 'drained') break
      deaths += 1
    }
    await using after = await openReal()
    const letters = await after.deadLetters.read()
    expect(letters.map(({ offset, deliveries }) => [offset, deliveries])).toEqual([
      [3, 3],
      [13, 3],
    ])
    expect(deaths).toBeLessThanOrEqual(6)
    const expected = Array.from({ length: 20 }, (_, index) => `item ${index}`).filter(
      (_, index) => index % 10 !== 3,
    )
    expect(new Set(acknowledged)).toEqual(new Set([...expected, 'drained']))
    expect(after.status()).toMatchObject({ count: 0, alarms: [] })
  })

  test('wakes a taker that waits, and gives the disk back what was consumed', async () => {
    await using queue = await openQueue({
      files: nodeFiles(root),
      directory: 'queue',
      runtime: nodeRuntime(),
      quota: { bytesMax: 4 * 1024 * 1024 },
      itemBytesMax: 4096,
    })
    await using consumer = await queue.consumer('uplink')
    const total = 3_000
    const producing = (async () => {
      for (let sent = 0; sent < total; sent += 20)
        await queue.put(Array.from({ length: 20 }, () => ({ value: new Uint8Array(4000) })))
    })()
    for (let count = 0; count < total; ) {
      const items = await consumer.take()
      await consumer.acknowledge(items)
      count += items.length
    }
    await producing
    await expect.poll(() => queue.status().lanes[0]?.diskBytes).toBeLessThan(2 * 1024 * 1024)
    expect(queue.drops.totals).toEqual({})
  })
})
