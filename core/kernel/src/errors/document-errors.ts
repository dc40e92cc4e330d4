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
  COLLECTION_DUPLICATE: {
    seen: 'Two collections are called "{collection}"',
    expected: 'one collection a name',
    remedy: 'Declare it once and import it, or choose another name.',
    retryable: false,
  },
  DOCUMENT_TOO_LARGE: {
    seen: 'The document "{id}" of "{collection}" has {seen} characters of JSON',
    expected: 'at most {limit}',
    remedy: 'Store less in one document, or split it.',
    retryable: false,
  },
  DOCUMENT_ID_INVALID: {
    seen: 'The collection "{collection}" was given the document id {id}',
    expected: 'a text of 1 to {limit} well-formed characters',
    remedy: 'Choose another id.',
    retryable: false,
  },
  DOCUMENT_REVISION_UNKNOWN: {
    seen: 'The document "{id}" of "{collection}" was updated, but this session has not loaded it',
    expected: 'a revision to compare with',
    remedy:
      'Load it in this session first, pass expectedRevision, or use store to overwrite whatever there is.',
    retryable: false,
  },
  POSITION_CONFLICT: {
    seen: 'The processor "{processor}" stands at offset {seen} of {topic}/{partition}',
    expected: 'offset {expected}',
    remedy: 'Read the positions again; another member of the processor has gone on.',
    retryable: true,
  },
  COMMIT_TOO_LARGE: {
    seen: 'A commit has {seen}',
    expected: 'at most {limit}',
    remedy: 'Commit less at a time.',
    retryable: false,
  },
  DATABASE_TOO_NEW: {
    seen: 'The database {file} was written by schema version {seen}',
    expected: 'schema version {supported} or older',
    remedy: 'Run the newer Millrace that wrote it, or choose another data directory.',
    retryable: false,
  },
  DATABASE_FOREIGN: {
    seen: 'The file {file} is a database of another application',
    expected: 'a database that Millrace made, or no file at all',
    remedy: 'Choose another file; this one was left as it is.',
    retryable: false,
  },
})
