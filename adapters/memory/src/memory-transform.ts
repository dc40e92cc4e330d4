import { createContext, Script } from 'node:vm'
import {
  type CheckedTransform,
  compareTexts,
  type TransformOutcome,
  transformedText,
} from '@millrace/documents'
import { errorText, millraceError } from '@millrace/kernel'
import type { MemoryCollection, MemoryDocument } from './memory-collection.ts'
import type { MemoryDocumentChanges } from './memory-document-changes.ts'

/** As long as the function may take for one document. */
const DOCUMENT_MS_MAX = 1_000

/** Runs a piece of a transformation. @throws TRANSFORM_FAILED, and as a commit */
export function transformDocuments(
  { tenant, source, after, limit }: CheckedTransform,
  collection: MemoryCollection,
  changes: MemoryDocumentChanges,
): TransformOutcome {
  const documents = collection
    .ofTenant(tenant)
    .filter(({ id }) => compareTexts(id, after) > 0)
    .sort((left, right) => compareTexts(left.id, right.id))
    .slice(0, limit)
  const run = compile(source, collection.schema.name)
  const outcome = { seen: documents.length, changed: 0, deleted: 0, last: documents.at(-1)?.id }
  for (const document of documents) {
    const result = run(document)
    if (result === undefined) continue
    if (result === null) {
      changes.put(collection, document, undefined)
      outcome.deleted += 1
      continue
    }
    collection.checkUnique([changes.rewrite(collection, document, result)])
    outcome.changed += 1
  }
  return outcome
}

/**
 * The function in a world of its own, where it finds nothing of ours. That keeps mistakes in; it is no fence against
 * malice, and whoever may transform documents may do anything to them anyway.
 */
function compile(source: string, collection: string) {
  const failed = (id: string, error: unknown) =>
    millraceError('TRANSFORM_FAILED', { collection, id, reason: errorText(error) }, { cause: error })
  const world = createContext({ text: '' }, { codeGeneration: { strings: false, wasm: false } })
  const script = attempt(
    () => new Script(`(${source}\n)(JSON.parse(text))`),
    (error) => failed('', error),
  )
  return ({ id, text, body }: MemoryDocument): string | null | undefined => {
    world.text = text
    const result = attempt(
      () => script.runInContext(world, { timeout: DOCUMENT_MS_MAX }) as unknown,
      (error) => failed(id, error),
    )
    return transformedText({ collection, id, body }, result)
  }
}

function attempt<Result>(work: () => Result, failed: (error: unknown) => Error): Result {
  try {
    return work()
  } catch (error) {
    throw failed(error)
  }
}
