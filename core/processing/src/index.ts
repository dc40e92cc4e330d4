export type {
  BatchStep, CheckpointSource, MessageStep, Processor, ProcessorDescription, ProcessorEnvironment, ProcessorStats,
  RetryPolicy, StepContext,
} from './processor.ts'
