import { createContext, Script, type Script as VmScript } from 'node:vm'
import { type CheckedTransform, type TransformOutcome, transformedText } from '@millrace/documents'
import { errorText, millraceError } from '@millrace/kernel'
import type { CollectionWriter } from './collection-writer.ts'
import { documentsTable } from './sql-names.ts'
import type { StatementCache } from './statement-cache.ts'
import type { WriteUnit } from './write-unit.ts'

/** As long as the function may take for one document. */
const DOCUMENT_MS_MAX = 1_000

/** Documents that are held in memory at a time. */
const PAGE_DOCUMENTS = 100

/** Runs a piece of a transformation, inside a transaction. @throws TRANSFORM_FAILED, and as a commit */
export function transformDocuments(
  step: CheckedTransform,
  tools: { readonly statements: StatementCache; readonly writer: CollectionWriter; readonly unit: WriteUnit },
): TransformOutcome {
  const { collection, tenant, limit } = step
  const { statements, writer, unit } = tools
  const transformation = new Transformation(step)
  const page = `SELECT id, body FROM "${documentsTable(collection)}" WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?`
  let last: string | undefined
  let [seen, changed, deleted] = [0, 0, 0]
  while (seen < limit) {
    const count = Math.min(PAGE_DOCUMENTS, limit - seen)
    const rows = statements.get(page).all(tenant, last ?? step.after, count)
    for (const row of rows) {
      const id = String(row.id)
      const text = transformation.run(id, String(row.body))
      if (text === null) writer.remove({ tenant, id }, unit)
      else if (text !== undefined) writer.rewrite({ tenant, id }, text, unit)
      if (text === null) deleted += 1
      else if (text !== undefined) changed += 1
      last = id
    }
    seen += rows.length
    if (rows.length < count) break
  }
  return { seen, changed, deleted, last }
}

/**
 * The function in a world of its own, where it finds nothing of ours. That keeps mistakes in; it is no fence against
 * malice, and whoever may transform documents may do anything to them anyway.
 */
class Transformation {
  readonly #collection: string
  readonly #world = createContext({ text: '' }, { codeGeneration: { strings: false, wasm: false } })
  readonly #script: VmScript

  constructor({ collection, source }: CheckedTransform) {
    this.#collection = collection
    this.#script = this.#attempt('', () => new Script(`(${source}\n)(JSON.parse(text))`))
  }

  /** The new text; null if the document is to go, undefined if it stays. */
  run(id: string, text: string): string | null | undefined {
    this.#world.text = text
    const result: unknown = this.#attempt(id, () =>
      this.#script.runInContext(this.#world, { timeout: DOCUMENT_MS_MAX }),
    )
    return transformedText({ collection: this.#collection, id, body: JSON.parse(text) }, result)
  }

  #attempt<Result>(id: string, work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      const reason = errorText(error)
      throw millraceError('TRANSFORM_FAILED', { collection: this.#collection, id, reason }, { cause: error })
    }
  }
}
