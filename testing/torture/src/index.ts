export type { Finding } from './spine/findings.ts'
export { type SpineTortureOptions, type SpineTortureReport, tortureSpine } from './spine/torture-spine.ts'
