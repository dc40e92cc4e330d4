export { RETRY_POLICY_DEFAULT, retryDelayMs } from './backoff.ts'
export { describeMessage } from './item.ts'
export type {
  BatchStep,
  CheckpointSource,
  MessageStep,
  Processor,
  ProcessorDescription,
  ProcessorEnvironment,
  ProcessorStats,
  RetryPolicy,
  StepContext,
} from './processor.ts'
export { startProcessor } from './running-processor.ts'
export { Wakeup } from './wakeup.ts'
