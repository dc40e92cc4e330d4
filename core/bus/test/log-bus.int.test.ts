import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLogBus } from '@millrace/bus'
import { busSuite } from '@millrace/conformance'
import { manualRuntime } from '@millrace/kernel'
import { nodeFiles } from '@millrace/node'

const MESSAGE_BYTES_MAX = 100_000

busSuite('openLogBus on nodeFiles', async () => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-bus-'))
  const runtime = manualRuntime()
  const open = () =>
    openLogBus({ files: nodeFiles(root), runtime, limits: { messageBytesMax: MESSAGE_BYTES_MAX } })
  let bus = await open()
  return {
    bus,
    messageBytesMax: MESSAGE_BYTES_MAX,
    nowMs: () => runtime.clock.now(),
    advance: async (durationMs) => {
      await runtime.advance(durationMs)
      await new Promise(setImmediate)
    },
    reopen: async () => {
      await bus.close()
      bus = await open()
      return bus
    },
    dispose: async () => {
      await bus.close()
      await rm(root, { recursive: true })
    },
  }
})
