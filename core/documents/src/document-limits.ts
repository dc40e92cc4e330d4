/**
 * Limits that every engine keeps, so that what one accepts the other does too. Characters are those of JavaScript
 * (UTF-16 units).
 */
export const documentLimits = {
  /** Length of the name of a collection, an index, a table or a column. */
  collectionNameCharactersMax: 60,
  idCharactersMax: 500,
  tenantCharactersMax: 200,
  /** Length of a correlation or causation id. */
  unitIdCharactersMax: 500,
  processorNameCharactersMax: 500,
  topicNameCharactersMax: 500,
  /** Length of one document's JSON text. */
  documentCharactersMax: 1_048_576,
  /** Nesting of one document. SQLite reads at most 1,000 levels; deeper ones would break every query. */
  documentLevelsMax: 100,
  commitOperationsMax: 10_000,
  /** Texts of all documents, patches, events and rows of one commit. */
  commitCharactersMax: 33_554_432,
  /** Documents that one operation `withChanges` may answer with. */
  changesMax: 10_000,
  loadIdsMax: 10_000,
  queryDocumentsDefault: 100,
  queryDocumentsMax: 10_000,
  /** Questions of one call. */
  readsMax: 100,
  /** JSON of all documents or events of one answer. */
  resultCharactersMax: 67_108_864,
  filterNodesMax: 200,
  filterLevelsMax: 20,
  filterValuesMax: 1_000,
  /** Length of one text in a filter. */
  filterTextCharactersMax: 10_000,
  /** Different words that one `search` looks for. */
  searchWordsMax: 50,
  orderByMax: 10,
  selectMax: 100,
  figuresMax: 20,
  pathSegmentsMax: 20,
  pathSegmentCharactersMax: 500,
  /** Patches of one operation. */
  patchesMax: 100,
  /** Places that one `duplicate` copies to. */
  patchTargetsMax: 20,
  streamNameCharactersMax: 500,
  eventTypeCharactersMax: 500,
  eventIdCharactersMax: 500,
  eventCharactersMax: 1_048_576,
  /** Events of one commit. */
  commitEventsMax: 10_000,
  streamEventsDefault: 1_000,
  streamEventsMax: 10_000,
  streamInfosMax: 10_000,
  feedEventsDefault: 500,
  feedEventsMax: 10_000,
  /** Event types or stream types that one feed asks for. */
  feedTypesMax: 1_000,
  indexesMax: 32,
  indexPathsMax: 10,
  referencesMax: 32,
  fullTextPathsMax: 20,
  tableColumnsMax: 200,
  tableKeyColumnsMax: 10,
  /** Length of a text in a column of a table; of a key it is `idCharactersMax`. */
  columnCharactersMax: 1_048_576,
  transformDocumentsMax: 10_000,
  transformSourceCharactersMax: 1_000_000,
} as const
