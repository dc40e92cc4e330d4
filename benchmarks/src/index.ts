export type { Figure, PeerFigure } from './figure.ts'
export { benchSpine, type SpineBenchOptions } from './spine/spine-bench.ts'
