export type { Invariant, Violation } from './invariant.ts'
export type { Mutation } from './mutation.ts'
export {
  runSimulation,
  type SimulationCounts,
  type SimulationOptions,
  type SimulationReport,
} from './simulation.ts'
export { type DevicePlan, drawSwarm, type Swarm, withoutFaults } from './swarm.ts'
