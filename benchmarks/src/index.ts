export type { Figure, PeerFigure } from './figure.ts'
export { benchLog } from './log/log-bench.ts'
export { LOG_CASES, type LogBenchOptions, type LogCase } from './log/options.ts'
export { benchSpine, type SpineBenchOptions } from './spine/spine-bench.ts'
