import { busSuite } from '@millrace/conformance'
import { manualRuntime } from '@millrace/kernel'
import { memoryBus } from '@millrace/memory'

busSuite('memoryBus', async () => {
  const runtime = manualRuntime()
  const bus = memoryBus({ runtime, messageBytesMax: 100_000 })
  return {
    bus,
    messageBytesMax: 100_000,
    nowMs: () => runtime.clock.now(),
    advance: (durationMs) => runtime.advance(durationMs),
    dispose: () => bus.close(),
  }
})
