import { openLogBus } from '@millrace/bus'
import { busSuite } from '@millrace/conformance'
import { manualRuntime } from '@millrace/kernel'
import { memoryFiles } from '@millrace/memory'

const MESSAGE_BYTES_MAX = 100_000

busSuite('openLogBus on memoryFiles', async () => {
  const runtime = manualRuntime()
  const files = memoryFiles()
  const open = () => openLogBus({ files, runtime, limits: { messageBytesMax: MESSAGE_BYTES_MAX } })
  let bus = await open()
  return {
    bus,
    messageBytesMax: MESSAGE_BYTES_MAX,
    nowMs: () => runtime.clock.now(),
    advance: (durationMs) => runtime.advance(durationMs),
    reopen: async () => {
      await bus.close()
      bus = await open()
      return bus
    },
    dispose: () => bus.close(),
  }
})
