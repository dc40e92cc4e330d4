export type { NatsBus } from './nats-bus.ts'
export type { NatsBusLimits, NatsBusOptions } from './nats-options.ts'
export { openNatsBus } from './open-nats-bus.ts'
