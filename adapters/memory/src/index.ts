export { type MemoryBusOptions, memoryBus } from './memory-bus.ts'
export type { MemoryConnection } from './memory-connection.ts'
export { type MemoryDatabase, type MemoryDatabaseOptions, memoryDatabase } from './memory-database.ts'
export type { FaultCode, FaultOptions, FileOperation } from './memory-faults.ts'
export {
  type CrashOptions,
  type CrashStates,
  type DiskCall,
  type MemoryFiles,
  type MemoryFilesOptions,
  memoryFiles,
} from './memory-files.ts'
export { type MemoryListener, type MemoryListenerOptions, memoryListener } from './memory-listener.ts'
export type { MemoryRow } from './memory-rows.ts'
export { type Shortening, shortWrites } from './short-writes.ts'
