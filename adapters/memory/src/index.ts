export { type MemoryBusOptions, memoryBus } from './memory-bus.ts'
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
