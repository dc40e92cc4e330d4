export type { Finding } from './finding.ts'
export { type LogTortureOptions, type LogTortureReport, tortureLog } from './log/torture-log.ts'
export { type QueueTortureOptions, type QueueTortureReport, tortureQueue } from './queue/torture-queue.ts'
export { type SpineTortureOptions, type SpineTortureReport, tortureSpine } from './spine/torture-spine.ts'
