export {
  type CheckedAggregate,
  type CheckedCount,
  type CheckedDeleted,
  type CheckedFeed,
  type CheckedLoad,
  type CheckedQuery,
  type CheckedRead,
  type CheckedSelection,
  type CheckedStream,
  checkRead,
  checkReads,
  resultMeter,
} from './checked-read.ts'
export { type CheckedCollection, checkCollectionName } from './checked-schema.ts'
export {
  type CheckedTransform,
  checkTransform,
  type TransformedDocument,
  transformedText,
} from './checked-transform.ts'
export { type Collection, collection, type Identified } from './collection.ts'
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
export { documentLimits } from './document-limits.ts'
export type { DocumentChange, DocumentOperation, StoredDocument } from './document-operation.ts'
export { checkDocumentLength, documentText } from './document-text.ts'
export type { Comparison, Filter, FilterValue, OrderBy } from './filter.ts'
export { equalJson } from './json-equality.ts'
export { type CheckedSchema, KnownSchema } from './known-schema.ts'
export type { JsonValue, Patch } from './patch.ts'
export { applyPatches, kindOf, type PatchedDocument, pathText } from './patch-semantics.ts'
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
export type { Property, PropertyPath, PropertyValue } from './property-path.ts'
export {
  compareDocuments,
  compareTexts,
  compareValues,
  figureOf,
  matches,
  type QueriedDocument,
  valueAt,
} from './query-semantics.ts'
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
export { checkDocument, type Session, type WriteOptions } from './session.ts'
export { bodyOf, readOne } from './single-read.ts'
export { openStore, type Store, type StoreOptions } from './store.ts'
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
export type { Query } from './typed-query.ts'
export { wordsOf } from './words.ts'
