export { type CheckedRead, checkRead, checkReads } from './checked-read.ts'
export type { CheckedCollection } from './checked-schema.ts'
export type {
  CheckedAggregate,
  CheckedCount,
  CheckedDeleted,
  CheckedLoad,
  CheckedQuery,
  CheckedSelection,
} from './checked-selection.ts'
export type { CheckedFeed, CheckedStream, CheckedStreamInfo } from './checked-stream.ts'
export {
  type CheckedTransform,
  checkTransform,
  type TransformedDocument,
  transformedText,
} from './checked-transform.ts'
export {
  type AnyCollection,
  type Collection,
  type CollectionTrait,
  collection,
  type DraftOf,
  type Identified,
  systemCollection,
} from './collection.ts'
export type { CollectionOptions, IndexOptions, ReferenceOptions } from './collection-options.ts'
export type {
  Condition,
  DocumentConditions,
  ElementConditions,
  SearchOptions,
  WhichDocuments,
} from './conditions.ts'
export type {
  ColumnValue,
  CommitOptions,
  CommitResult,
  Database,
  DatabaseSupports,
  ExpectOperation,
  OfTenant,
  OperationResult,
  PositionOperation,
  PrepareOptions,
  RawValue,
  RowOperation,
  StoredPosition,
  TransformOutcome,
  TransformStep,
  WriteOperation,
} from './database.ts'
export type { Moment } from './date-type.ts'
export {
  type Attempt,
  conflictOf,
  type DocumentConflict,
  DocumentConflictError,
} from './document-conflict.ts'
export { checkDocument, readDocument, type WrittenDocument, writeDocument } from './document-form.ts'
export { idText } from './document-id.ts'
export { documentLimits } from './document-limits.ts'
export { type DocumentMetadata, etagOf, metadataOf, revisionOfEtag } from './document-metadata.ts'
export type { DocumentChange, DocumentOperation, StoredDocument } from './document-operation.ts'
export { checkDocumentLength, documentText } from './document-text.ts'
export {
  DELIVER_AT,
  type EventInput,
  type Links,
  linksTo,
  newEvent,
  stamped,
  topicOf,
} from './event-input.ts'
export type { Comparison, Filter, FilterValue, OrderBy } from './filter.ts'
export { equalJson } from './json-equality.ts'
export { type JsonSerializerOptions, jsonSerializer } from './json-serializer.ts'
export { type CheckedSchema, KnownSchema } from './known-schema.ts'
export {
  isDestructive,
  type MigrationFile,
  migrationFile,
  migrationNumber,
  nextMigrationNumber,
} from './migration-file.ts'
export type { JsonValue, Patch } from './patch.ts'
export { applyPatches, type PatchedDocument } from './patch-semantics.ts'
export { plainSerializer } from './plain-serializer.ts'
export { prepareCommit } from './prepared-commit.ts'
export type {
  PreparedCommit,
  PreparedDocumentOperation,
  PreparedEvent,
  PreparedOperation,
  PreparedPosition,
  PreparedRowOperation,
  PreparedStreamOperation,
} from './prepared-operation.ts'
export type { Property, PropertyPath, PropertyValue, ValueObject } from './property-path.ts'
export {
  compareDocuments,
  compareTexts,
  compareValues,
  figureOf,
  matches,
  type QueriedDocument,
  valueAt,
} from './query-semantics.ts'
export { parseKeepingNumbers } from './raw-number.ts'
export type {
  AggregateRead,
  CountRead,
  DeletedChoice,
  DocumentQuery,
  Explanation,
  FeedAnswer,
  FeedEndRead,
  FeedRead,
  LoadRead,
  PositionsRead,
  QueryAnswer,
  QueryRead,
  Read,
  ReadAnswer,
  ReadAnswers,
  Selection,
  StreamInfoRead,
  StreamRead,
} from './read.ts'
export type { Answered, Reader } from './reader.ts'
export { resultMeter } from './result-meter.ts'
export { type SaveHook, type SaveUnit, saveAttemptsMax } from './save-hook.ts'
export type { DocumentPlace, Serializer, ValuePatch } from './serializer.ts'
export type { ChangedDocuments, Session, SessionOptions, WriteOptions } from './session.ts'
export type { EventCalls, SessionAppendOptions, SessionEvents } from './session-events.ts'
export { bodyOf, readOne } from './single-read.ts'
export { openStore, type Store, type StoreOptions, storeSchema } from './store.ts'
export type {
  CollectionSchema,
  ColumnType,
  IndexSchema,
  ReferenceSchema,
  SchemaPlan,
  SchemaStep,
  StoreSchema,
  TableSchema,
} from './store-schema.ts'
export type { NewEvent, StoredEvent, StreamInfo, StreamOperation } from './stored-event.ts'
export {
  type Change,
  type SelfContained,
  selfContained,
  TRANSFORMATIONS,
  type TransformCalls,
  type TransformOptions,
  type TransformProgress,
} from './transformation.ts'
export type { PatchProperty, TypedPatch } from './typed-patch.ts'
export type { Page, Query, SelectedParts, WithMetadata } from './typed-query.ts'
export type { ValueType } from './value-type.ts'
export { wordsOf } from './words.ts'
