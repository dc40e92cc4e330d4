import type { StoredDocument } from './document-operation.ts'

/** What is held of many documents at a time. */
export const pageLimits = {
  /** At first, when nobody knows how large the documents are. Never too much for one answer or one commit. */
  documentsMin: 16,
  documentsMax: 1_000,
  /** What a page should come to. */
  charactersAimed: 4_000_000,
} as const

/** How many documents to read next, after these. */
export function nextPageSize(documents: readonly StoredDocument[]): number {
  const characters = documents.reduce((sum, { text }) => sum + text.length, 0)
  const fitting = Math.floor((pageLimits.charactersAimed * documents.length) / Math.max(1, characters))
  return Math.max(pageLimits.documentsMin, Math.min(fitting, pageLimits.documentsMax))
}
