export { type Hop, roundTrip } from './round-trip.ts'
