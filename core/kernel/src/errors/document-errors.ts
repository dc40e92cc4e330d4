import { defineErrors } from './error-entry.ts'

/** Errors of documents and projections. */
export const documentErrors = defineErrors({
  COLLECTION_UNKNOWN: {
    seen: 'There is no collection "{collection}"',
    expected: 'a collection that the application declares',
    remedy: 'Declare it with collection(), or correct the name.',
    retryable: false,
  },
  COLLECTION_NAME_INVALID: {
    seen: 'The collection name {collection} is not usable',
    expected: '1 to 60 of a-z, A-Z, 0-9, "-" and "_", starting with a letter',
    remedy: 'Choose another name.',
    retryable: false,
  },
  DOCUMENT_INVALID: {
    seen: 'A document of the collection "{collection}" does not fit its schema: {issues}',
    expected: 'a document as the collection declares it',
    remedy: 'Correct the code that stores it.',
    retryable: false,
  },
  DOCUMENT_CONFLICT: {
    seen: 'The document "{id}" of "{collection}" has revision {seen}',
    expected: 'revision {expected}',
    remedy: 'Load it again and decide again.',
    retryable: true,
  },
  QUERY_INVALID: {
    seen: 'The query of "{collection}" has {seen}',
    expected: '{expected}',
    remedy: 'Correct the query.',
    retryable: false,
  },
  DATABASE_FAILED: {
    seen: 'The database failed: {reason}',
    expected: 'a database that answers',
    remedy: 'Check the disk and the data directory; what was acknowledged is kept.',
    retryable: true,
  },
  DATABASE_CLOSED: {
    seen: 'The database is closed',
    expected: 'an open database',
    remedy: 'Open it again before you use it.',
    retryable: false,
  },
})
