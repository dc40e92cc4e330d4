export { type Collection, collection, type Identified } from './collection.ts'
export type {
  CommitResult, Database, DatabaseSupports, DocumentQuery, Filter, FilterValue, StoredDocument, StoredPosition, WriteOperation,
} from './database.ts'
