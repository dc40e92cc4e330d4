export { type BusReport, type BusRunOptions, runBus } from './bus/bus-simulation.ts'
export { type BusAction, type BusTrace, drawBusTrace } from './bus/bus-trace.ts'
export {
  type ExhaustiveOptions,
  type ExhaustiveReport,
  runExhaustive,
  type ShortTrace,
} from './log/exhaustive.ts'
export { type LogReport, type LogRunOptions, type LogViolation, runLog } from './log/log-simulation.ts'
export { describeAction, drawTrace, type LogAction, type LogTrace } from './log/log-trace.ts'
export type { Invariant, Violation } from './spine/invariant.ts'
export type { Mutation } from './spine/mutation.ts'
export {
  runSimulation,
  type SimulationCounts,
  type SimulationOptions,
  type SimulationReport,
} from './spine/simulation.ts'
export { type DevicePlan, drawSwarm, type Swarm, withoutFaults } from './spine/swarm.ts'
