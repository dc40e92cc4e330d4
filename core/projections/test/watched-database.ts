import type { Database, Read, WriteOperation } from '@millrace/documents'

/** What to be told of, and what to wait for. */
export interface Watch {
  readonly onRead?: (read: Read) => void
  readonly onAnswer?: (read: Read, answer: unknown) => void
  readonly onCommit?: (operations: readonly WriteOperation[]) => void
  readonly beforeRead?: (reads: readonly Read[]) => Promise<void>
  readonly beforeCommit?: (operations: readonly WriteOperation[]) => Promise<void>
}

/** A database whose calls somebody looks at. */
export function watched(inner: Database, watch: Watch): Database {
  return {
    supports: inner.supports,
    prepare: (schema, options) => inner.prepare(schema, options),
    plan: (schema) => inner.plan(schema),
    commit: async (operations, options) => {
      await watch.beforeCommit?.(operations)
      const result = await inner.commit(operations, options)
      watch.onCommit?.(operations)
      return result
    },
    read: async (reads) => {
      await watch.beforeRead?.(reads)
      for (const each of reads) watch.onRead?.(each)
      const answers = await inner.read(reads)
      for (const [index, each] of reads.entries())
        watch.onAnswer?.(each, answers[index as keyof typeof answers])
      return answers
    },
    explain: (read) => inner.explain(read),
    raw: (sql, parameters) => inner.raw(sql, parameters),
    transform: (step) => inner.transform(step),
    eventsBeyond: (position, options) => inner.eventsBeyond(position, options),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner.close(),
  }
}
