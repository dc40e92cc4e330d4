export { newEvent, type RecordedEvent, recordedEvent } from './recorded-event.ts'
export {
  type EventShape,
  type TypedShape,
  type Upcaster,
  type Upcasters,
  upcaster,
  upcasters,
} from './upcasters.ts'
