import { manualRuntime } from '@millrace/kernel'
import { openLog } from '@millrace/log'
import type { MemoryFiles } from '@millrace/memory'
import { describe, expect, test } from 'vitest'
import { drain, item, openBench, takeNow, texts } from './test-queue.ts'

/** Removes a folder, as an operator might, or a disk. */
async function wipe(files: MemoryFiles, directory: string): Promise<void> {
  for (const name of await files.list(directory)) await files.remove(`${directory}/${name}`)
}

describe('a queue that finds less than its cursors know of', () => {
  test('brings the cursors back to the end of the lane, says so, and hands out what is put then', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('a'), item('b'), item('c'), item('d')])
    const consumer = await queue.consumer('uplink')
    const items = await takeNow(consumer, runtime)
    await consumer.acknowledge(items.slice(0, 3))
    await queue.close()
    await wipe(files, 'queue/lanes/normal')
    const again = await openBench({}, files)
    expect(again.queue.status().alarms).toMatchObject([{ kind: 'cursor-beyond-end' }])
    const reopened = await again.queue.consumer('uplink')
    expect(await again.queue.put([item('new')])).toEqual([{ lane: 'normal', offset: 0 }])
    const taken = await takeNow(reopened, again.runtime)
    expect(texts(taken)).toEqual(['new'])
    expect(taken[0]?.deliveries).toBe(1)
  })

  test('has corrected its cursors durably before new items get the lost offsets', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('a'), item('b')])
    await drain(await queue.consumer('uplink'), runtime)
    await queue.close()
    await wipe(files, 'queue/lanes/normal')
    const second = await openBench({}, files)
    await second.queue.put([item('new')])
    const third = await openBench({}, files.crash())
    expect(third.queue.status().alarms).toEqual([])
    expect(await drain(await third.queue.consumer('uplink'), third.runtime)).toEqual(['new'])
  })

  test('does the same with what was dropped from the lane', async () => {
    const { queue, runtime, files } = await openBench({ quota: { countMax: 1, whenFull: 'drop-oldest' } })
    for (const text of ['a', 'b', 'c']) await queue.put([item(text)])
    await runtime.advance(0)
    await queue.close()
    await wipe(files, 'queue/lanes/normal')
    const again = await openBench({}, files)
    await again.queue.put([item('new')])
    const third = await openBench({}, files.crash())
    expect(await drain(await third.queue.consumer('uplink'), third.runtime)).toEqual(['new'])
  })

  test('hands out everything that is still there if its cursors are gone, and says that it may come twice', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('a'), item('b')])
    await drain(await queue.consumer('uplink'), runtime)
    await queue.put([item('c')])
    await queue.close()
    await wipe(files, 'queue/state/a')
    await wipe(files, 'queue/state/b')
    const again = await openBench({}, files)
    expect(again.queue.status().alarms).toMatchObject([{ kind: 'state-damaged' }])
    // Not from the end, though that is asked for: nobody knows what it has seen.
    const consumer = await again.queue.consumer('uplink', { from: 'end' })
    expect(await drain(consumer, again.runtime)).toEqual(['a', 'b', 'c'])
  })

  test('says so when a damaged disk has cost some of the cursors', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('a'), item('b')])
    const consumer = await queue.consumer('uplink')
    for (const each of await takeNow(consumer, runtime)) await consumer.acknowledge([each])
    await queue.close()
    const [segment] = (await files.list('queue/state/a')).filter((name) => name.endsWith('.seg'))
    const path = `queue/state/a/${segment}`
    const position = new TextDecoder('latin1').decode(files.contents(path)).lastIndexOf('cursor/uplink')
    files.flip(path, position, 0xff)
    const again = await openBench({}, files)
    expect(again.queue.status().alarms.map(({ kind }) => kind)).toContain('state-damaged')
    expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toContain('b')
  })

  test.each([
    ['when it is opened, if it reads there then', true],
    ['when somebody takes what is there', false],
  ])(
    'counts and records items that the disk has lost, %s, and goes on behind them',
    async (_, isReadAtOnce) => {
      const { queue, files } = await openBench()
      for (const text of ['a', 'lost', 'c']) await queue.put([item(text)])
      await queue.close()
      const [segment] = (await files.list('queue/lanes/normal')).filter((name) => name.endsWith('.seg'))
      const path = `queue/lanes/normal/${segment}`
      files.flip(path, new TextDecoder('latin1').decode(files.contents(path)).indexOf('lost'), 0xff)
      // Without the mark nobody knows where the end was.
      if (isReadAtOnce) await files.remove('queue/lanes/normal/mark')
      const again = await openBench({}, files)
      expect(again.queue.status().alarms).toMatchObject(isReadAtOnce ? [{ kind: 'items-lost' }] : [])
      expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toEqual(['a', 'c'])
      expect(await again.queue.drops.read()).toMatchObject([{ why: 'damaged', from: 1, to: 2, count: 1 }])
      expect(again.queue.status()).toMatchObject({ count: 0, bytes: 0 })
      await again.queue.close()
      const third = await openBench({}, files)
      expect(third.queue.drops.totals).toMatchObject({ damaged: { count: 1 } })
    },
  )

  test('puts an item aside that another program wrote, and goes on', async () => {
    const { queue, files } = await openBench()
    await queue.put([item('a')])
    await queue.close()
    const foreign = await openLog({ files, directory: 'queue/lanes/normal', runtime: manualRuntime() })
    await foreign.append([{ value: Uint8Array.of(0xff, 1, 2) }])
    await foreign.close()
    const again = await openBench({}, files)
    await again.queue.put([item('c')])
    expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toEqual(['a', 'c'])
    expect(await again.queue.deadLetters.read()).toMatchObject([
      { offset: 1, value: Uint8Array.of(0xff, 1, 2) },
    ])
  })
})

describe('a queue after an ordinary accident', () => {
  test('may lose what did not wait for the disk, says nothing of it, and goes on', async () => {
    const { queue, files } = await openBench()
    await queue.put([item('kept')])
    await queue.put([item('perhaps')], { durability: 'os' })
    const killed = await openBench({}, files.afterKill())
    expect(await drain(await killed.queue.consumer('other'), killed.runtime)).toEqual(['kept', 'perhaps'])
    const cut = await openBench({}, files.crash())
    const consumer = await cut.queue.consumer('uplink')
    expect(await drain(consumer, cut.runtime)).toEqual(['kept'])
    await cut.queue.put([item('next')])
    expect(await drain(consumer, cut.runtime)).toEqual(['next'])
    expect(cut.queue.status()).toMatchObject({ count: 0, bytes: 0, drops: {}, alarms: [] })
    const again = await openBench({}, files.crash())
    expect(again.queue.status()).toMatchObject({ drops: {}, alarms: [] })
  })

  test('does not bring back what was dropped', async () => {
    const { queue, files } = await openBench({ quota: { countMax: 2, whenFull: 'drop-oldest' } })
    for (const text of ['a', 'b', 'c', 'd']) await queue.put([item(text)])
    const again = await openBench({}, files.crash())
    expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toEqual(['c', 'd'])
    expect(again.queue.drops.totals).toMatchObject({ quota: { count: 2 } })
  })

  test('raises no alarm, though its table skips the offsets of deliveries that did not wait for the disk', async () => {
    const { queue, runtime, files } = await openBench()
    await queue.put([item('a'), item('b')])
    await takeNow(await queue.consumer('uplink'), runtime, { countMax: 1 })
    let disk = files.crash()
    for (let life = 0; life < 3; life += 1) {
      const again = await openBench({}, disk)
      expect(again.queue.status().alarms).toEqual([])
      const consumer = await again.queue.consumer('uplink')
      expect(texts(await takeNow(consumer, again.runtime))).toEqual(['a', 'b'])
      disk = disk.crash()
    }
  })
})

describe('a queue that is opened with other settings', () => {
  test('keeps a lane that is not listed any more, shows it, lets it be read, and goes on with it when it is back', async () => {
    const { queue, runtime, files } = await openBench({ lanes: ['alarm', 'normal'] })
    await queue.put([item('a', { lane: 'alarm' }), item('b', { lane: 'alarm' }), item('n')])
    const consumer = await queue.consumer('uplink')
    await consumer.acknowledge(await takeNow(consumer, runtime, { countMax: 1 }))
    await queue.close()
    const other = await openBench({ lanes: ['normal'] }, files)
    expect(other.queue.status()).toMatchObject({
      count: 1,
      lanes: [
        { lane: 'normal', isListed: true },
        { lane: 'alarm', isListed: false, endOffset: 2 },
      ],
      alarms: [{ kind: 'unknown-lane' }],
    })
    expect(texts(await other.queue.read('alarm', 0))).toEqual(['a', 'b'])
    await expect(other.queue.put([item('x', { lane: 'alarm' })])).rejects.toMatchObject({
      code: 'QUEUE_LANE_UNKNOWN',
    })
    expect(await drain(await other.queue.consumer('uplink'), other.runtime)).toEqual(['n'])
    await other.queue.close()
    const back = await openBench({ lanes: ['alarm', 'normal'] }, files)
    expect(await drain(await back.queue.consumer('uplink'), back.runtime)).toEqual(['b'])
  })

  test('shows a lane that is new to a consumer from its first item on', async () => {
    const { queue, files } = await openBench({ lanes: ['normal'] })
    await queue.consumer('uplink', { from: 'end' })
    await queue.close()
    const again = await openBench({ lanes: ['alarm', 'normal'] }, files)
    await again.queue.put([item('a', { lane: 'alarm' })])
    expect(await drain(await again.queue.consumer('uplink'), again.runtime)).toEqual(['a'])
  })

  test('refuses options that make no sense, and names them', async () => {
    for (const [options, seen] of [
      [{ lanes: [] }, { code: 'QUEUE_OPTION_INVALID', parameters: { option: 'lanes' } }],
      [{ lanes: ['a', 'a'] }, { code: 'QUEUE_OPTION_INVALID', parameters: { option: 'lanes' } }],
      [{ lanes: ['../up'] }, { code: 'QUEUE_NAME_INVALID' }],
      [
        { quota: { countMax: 0 } },
        { code: 'QUEUE_OPTION_INVALID', parameters: { option: 'quota.countMax' } },
      ],
      [{ deliveriesMax: 1.5 }, { code: 'QUEUE_OPTION_INVALID', parameters: { option: 'deliveriesMax' } }],
    ] as const) {
      await expect(openBench(options)).rejects.toMatchObject(seen)
    }
    const { queue } = await openBench()
    await expect(queue.consumer('UPPER')).rejects.toMatchObject({ code: 'QUEUE_NAME_INVALID' })
    await expect(queue.put([item('x'.repeat(5000))])).rejects.toMatchObject({ code: 'QUEUE_ITEM_INVALID' })
    await expect(queue.put([item('x', { expiresAtMs: -1 })])).rejects.toMatchObject({
      code: 'QUEUE_ITEM_INVALID',
    })
    await expect(queue.put([item('x', { key: '\ud800' })])).rejects.toMatchObject({
      code: 'QUEUE_ITEM_INVALID',
    })
  })

  test('is locked while it is open', async () => {
    const { files } = await openBench()
    await expect(openBench({}, files)).rejects.toMatchObject({ code: 'DIRECTORY_LOCKED' })
  })
})
