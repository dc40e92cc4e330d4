export { abortable, abortReason, isAbort, throwIfAborted } from './abort.ts'
export { AssertionFailure, assert, unreachable } from './assert.ts'
export { decodeBase64, encodeBase64 } from './base64.ts'
export { BoundedQueue, type BoundedQueueOptions } from './bounded-queue.ts'
export type { Clock } from './clock.ts'
export {
  type BinaryEvent,
  decodeBinary,
  encodeBinary,
  type HeaderPrefix,
  isJson,
  JSON_CONTENT_TYPE,
} from './cloudevents-binary.ts'
export { CLOUDEVENTS_JSON, decodeJson, encodeJson, fromJsonObject, toJsonObject } from './cloudevents-json.ts'
export {
  COMMAND_DEADLINE_MS_DEFAULT,
  type CommandDraft,
  type CommandOptions,
  type CommandType,
  command,
} from './command-type.ts'
export { crc32c } from './crc32c.ts'
export { DueHeap, type HeapEntry } from './due-heap.ts'
export { catalogue } from './errors/catalogue.ts'
export type { ErrorEntry } from './errors/error-entry.ts'
export {
  type ErrorCode,
  type ErrorParameters,
  errorText,
  isMillraceError,
  MillraceError,
  millraceError,
} from './errors/millrace-error.ts'
export { assertEvent, type Event, type EventDraft, type ExtensionValue } from './event.ts'
export { type DraftOptions, type EventType, type EventTypeOptions, event } from './event-type.ts'
export { formatUuid, type IdSource, newId } from './ids.ts'
export { type ManualRuntime, type ManualRuntimeOptions, manualRuntime, settle } from './manual-runtime.ts'
export { type Random, randomInteger, seededRandom } from './random.ts'
export type { Runtime } from './runtime.ts'
export { type Cancel, type Scheduler, sleep } from './scheduler.ts'
export {
  checkSchema,
  formatIssues,
  type Schema,
  type SchemaIssue,
  type SchemaOutput,
  type SchemaResult,
} from './schema.ts'
export type { StandardSchema } from './standard-schema.ts'
export { formatTime, parseTime } from './time.ts'
