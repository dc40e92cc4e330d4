export { type CheckedQuery, checkLoad, checkQuery, resultMeter } from './checked-query.ts'
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
export type { DocumentChange, DocumentOperation, StoredDocument } from './document-operation.ts'
export { documentLimits } from './document-limits.ts'
export { documentText } from './document-text.ts'
export type { Comparison, Filter, FilterValue, OrderBy } from './filter.ts'
export type { JsonValue, Patch } from './patch.ts'
export {
  checkCollectionKnown,
  checkCollectionName,
  type PreparedCommit,
  type PreparedOperation,
  prepareCommit,
} from './prepared-commit.ts'
export type { Property, PropertyPath, PropertyValue } from './property-path.ts'
export { compareDocuments, compareTexts, matches } from './query-semantics.ts'
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
