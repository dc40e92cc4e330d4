export {
  type Actor,
  type ActorContext,
  type ActorHandle,
  type ActorOptions,
  type ActorOutput,
  type ActorResult,
  actor,
  type CommandOutlet,
} from './actor.ts'
export { type ActorEnvironment, runActor } from './run-actor.ts'
