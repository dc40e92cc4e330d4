export { type MemoryBusOptions, memoryBus } from './memory-bus.ts'
export type { MemoryConnection } from './memory-connection.ts'
export { memoryDatabase } from './memory-database.ts'
export {
  type CrashOptions,
  type FaultCode,
  type FaultOptions,
  type FileOperation,
  type MemoryFiles,
  type MemoryFilesOptions,
  memoryFiles,
} from './memory-files.ts'
export { type MemoryListener, type MemoryListenerOptions, memoryListener } from './memory-listener.ts'
