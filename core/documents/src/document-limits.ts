/** Limits that every engine keeps, so that what one accepts the other does too. */
export const documentLimits = {
  /** Length of a collection's name. */
  collectionNameCharactersMax: 60,
  idCharactersMax: 500,
  /** Length of one document's JSON text. */
  documentCharactersMax: 1_048_576,
  /** Nesting of one document. SQLite reads at most 1,000 levels; deeper ones would break every query. */
  documentLevelsMax: 100,
  commitOperationsMax: 10_000,
  /** JSON of all documents of one commit. */
  commitCharactersMax: 33_554_432,
  loadIdsMax: 10_000,
  queryDocumentsDefault: 100,
  queryDocumentsMax: 10_000,
  /** JSON of all documents of one answer. */
  resultCharactersMax: 67_108_864,
  filterNodesMax: 200,
  filterLevelsMax: 20,
  filterValuesMax: 1_000,
  /** Length of one text in a filter. */
  filterTextCharactersMax: 10_000,
  orderByMax: 10,
  pathSegmentsMax: 20,
  pathSegmentCharactersMax: 500,
} as const
