export { type LatencyCounts, LatencyHistogram, type LatencySummary } from './latency-histogram.ts'
export type { CommandAnswer, ReceivedCommand } from './received-commands.ts'
export { type AcknowledgedEvent, type LoadOptions, type LoadReport, runLoad } from './run-load.ts'
export { type SimulatedDevice, type SimulatedDeviceOptions, simulateDevice } from './simulate-device.ts'
