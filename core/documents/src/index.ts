export { type CheckedQuery, checkLoad, checkQuery, resultMeter } from './checked-query.ts'
export { type Collection, collection, type Identified } from './collection.ts'
export type {
  CommitResult,
  Comparison,
  Database,
  DatabaseSupports,
  DocumentQuery,
  Filter,
  FilterValue,
  OrderBy,
  StoredDocument,
  StoredPosition,
  WriteOperation,
} from './database.ts'
export { documentLimits } from './document-limits.ts'
export { documentText } from './document-text.ts'
export {
  checkCollectionKnown,
  checkCollectionName,
  type PreparedCommit,
  type PreparedOperation,
  prepareCommit,
} from './prepared-commit.ts'
export type { Property, PropertyPath, PropertyValue } from './property-path.ts'
export { compareDocuments, compareTexts, matches } from './query-semantics.ts'
export { checkDocument, type Session, type WriteOptions } from './session.ts'
export { openStore, type Store, type StoreOptions } from './store.ts'
export type { Query } from './typed-query.ts'
