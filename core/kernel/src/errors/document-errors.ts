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
    expected: '1 to 60 of a-z, A-Z, 0-9, "-" and "_", starting with a letter and not with "millrace-"',
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
  OPERATION_INVALID: {
    seen: 'The operation "{operation}" on {target} has {seen}',
    expected: '{expected}',
    remedy: 'Correct the code that makes it. Nothing of the unit was done.',
    retryable: false,
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
  DOCUMENT_NOT_UNIQUE: {
    seen: 'A document of "{collection}" is equal to another one in what the index "{index}" keeps unique: {values}',
    expected: 'values that no other document has',
    remedy: 'Change the values, or change the other document first.',
    retryable: false,
  },
  DOCUMENT_REFERENCE_BROKEN: {
    seen: 'A document of "{collection}" would refer to a document of "{target}" that does not exist',
    expected: 'a document with that id as long as something refers to it',
    remedy:
      'Store the other document first or in the same unit; before deleting it, delete or change what refers to it.',
    retryable: false,
  },
  PATCH_REFUSED: {
    seen: 'The patch "{patch}" of the document "{id}" of "{collection}" met {seen} at {path}',
    expected: '{expected}',
    remedy: 'Change the patch, or give the document the shape that it needs. Nothing of the unit was done.',
    retryable: false,
  },
  STREAM_CONFLICT: {
    seen: 'The stream "{stream}" has version {seen}',
    expected: 'version {expected}',
    remedy: 'Read the stream again and decide again.',
    retryable: true,
  },
  STREAM_ENDED: {
    seen: 'The stream "{stream}" is {state}',
    expected: 'a stream that is open',
    remedy: 'Begin another stream; an archived one can still be read, a tombstoned one cannot.',
    retryable: false,
  },
  TABLE_UNKNOWN: {
    seen: 'The table "{table}" is not declared, or has no such column: {reason}',
    expected: 'a declared table and its columns',
    remedy: 'Declare it where the store is opened.',
    retryable: false,
  },
  SCHEMA_INVALID: {
    seen: 'The declaration of "{name}" has {seen}',
    expected: '{expected}',
    remedy: 'Change the declaration.',
    retryable: false,
  },
  STORE_SCHEMA_DIFFERS: {
    seen: 'The database differs from what the application declares: {seen}',
    expected: 'what is declared, or something that can be brought there without losing anything',
    remedy:
      'Look at "millrace store diff", and run "millrace store apply"; with --allow-destructive if the loss is meant.',
    retryable: false,
  },
  TRANSFORM_FAILED: {
    seen: 'The transformation of "{collection}" failed at the document "{id}": {reason}',
    expected: 'a function that returns an object, null or undefined, within a second',
    remedy: 'Change the function and run it again; documents of the steps before this one are transformed.',
    retryable: false,
  },
  RAW_NOT_SUPPORTED: {
    seen: 'The engine "{engine}" has no SQL',
    expected: 'an engine with SQL',
    remedy: 'Use queries, or another engine.',
    retryable: false,
  },
  DATABASE_BUSY: {
    seen: 'The database {database} is locked by somebody else: {reason}',
    expected: 'a lock within the time that is allowed',
    remedy: 'Try again; if it stays so, look for a process that holds a transaction open.',
    retryable: true,
  },
  DATABASE_READ_ONLY: {
    seen: 'The database {database} cannot be written to: {reason}',
    expected: 'a database that takes writes',
    remedy: 'Look at the rights of the file and its directory, or whether the server is a replica.',
    retryable: false,
  },
  DATABASE_UNREACHABLE: {
    seen: 'The way to the database {database} is broken: {reason}',
    expected: 'a server that answers',
    remedy:
      'Look whether the server runs and the address and password are right. A unit under way may have been done.',
    retryable: true,
  },
  PROJECTION_UNKNOWN: {
    seen: 'There is no projection "{projection}" here',
    expected: 'a projection that this daemon was started with',
    remedy: 'Correct the name, or start the daemon with it.',
    retryable: false,
  },
  PROJECTION_STALE: {
    seen: 'The projection "{projection}" stands at position {seen} after {timeoutMs} ms',
    expected: 'position {expected}',
    remedy: 'Wait longer, look at the progress of the projection, or do without the newest events.',
    retryable: true,
  },
  PROJECTION_STOPPED: {
    seen: 'The projection "{projection}" is stopped by {code}: {reason}',
    expected: 'a projection that goes on',
    remedy: 'Mend the cause, then resume the projection, or rebuild it.',
    retryable: false,
  },
  PROJECTION_NOT_REBUILDABLE: {
    seen: 'The projection "{projection}" cannot be rebuilt so: {reason}',
    expected: 'a projection that can be made again from its events',
    remedy:
      'Rebuild all of it, or, for a custom projection, say with "reset" how to remove what it has written.',
    retryable: false,
  },
  DEAD_LETTER_UNKNOWN: {
    seen: 'There is no dead letter "{id}", or its event is gone',
    expected: 'the id of a letter of which the event is still in the store',
    remedy: 'List the dead letters; discard those that cannot be replayed.',
    retryable: false,
  },
  DOCUMENT_NOT_UPCAST: {
    seen: 'The document "{id}" of "{collection}" could not be given its present shape: {reason}',
    expected: 'an upcast that takes every shape that is stored',
    remedy: 'Correct the upcast of the collection, or transform the documents.',
    retryable: false,
  },
  TENANT_MISSING: {
    seen: 'The collection "{collection}" was used without a tenant',
    expected: 'a session of a tenant, since its documents belong to tenants',
    remedy: 'Name the tenant when you begin the session.',
    retryable: false,
  },
  DATABASE_SERVER_UNFIT: {
    seen: 'The server of the database {database} has {seen}',
    expected: '{expected}',
    remedy: 'Use another server or database, or change the setting.',
    retryable: false,
  },
})
