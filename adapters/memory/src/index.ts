export {}
export { type MemoryBusOptions, memoryBus } from './memory-bus.ts'
