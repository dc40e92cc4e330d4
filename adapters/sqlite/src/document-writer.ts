import type { OperationResult, PreparedDocumentOperation } from '@millrace/documents'
import { type CollectionTools, CollectionWriter, type OfTenant } from './collection-writer.ts'
import type { DeclaredCollection } from './declared-collection.ts'
import type { DeclaredSchema } from './declared-schema.ts'
import { documentsTable, numbersTable, wordsTable } from './sql-names.ts'
import type { WriteUnit } from './write-unit.ts'

type ReplaceAll = Extract<PreparedDocumentOperation, { readonly kind: 'replace-all' }>

/** Writes documents of all collections. */
export class DocumentWriter {
  readonly #tools: CollectionTools
  #declared: DeclaredSchema | undefined
  #writers = new Map<string, CollectionWriter>()

  constructor(tools: CollectionTools) {
    this.#tools = tools
  }

  apply(
    operation: OfTenant<PreparedDocumentOperation>,
    declared: DeclaredSchema,
    unit: WriteUnit,
  ): OperationResult {
    if (operation.kind !== 'replace-all') {
      return this.writerOf(operation.collection, declared).apply(operation, unit)
    }
    this.#replaceAll(operation, declared)
    unit.touched.addAll(operation.collection)
    if (operation.from !== undefined) unit.touched.addAll(operation.from)
    return {}
  }

  writerOf(name: string, declared: DeclaredSchema): CollectionWriter {
    if (declared !== this.#declared) {
      this.#writers = new Map()
      this.#declared = declared
    }
    const known = this.#writers.get(name)
    if (known !== undefined) return known
    const isReferred = declared.referrersOf(name).length > 0
    const writer = new CollectionWriter(declared.collection(name), this.#tools, isReferred)
    this.#writers.set(name, writer)
    return writer
  }

  /** The tables exchange their names, so that it takes no longer for many documents; then one is emptied. */
  #replaceAll({ collection, from }: ReplaceAll, declared: DeclaredSchema): void {
    const emptied = declared.collection(from ?? collection)
    if (from !== undefined) {
      this.#exchange(documentsTable(collection), documentsTable(from))
      if (emptied.schema.fullText.length > 0) {
        this.#exchange(wordsTable(collection), wordsTable(from))
        this.#exchange(numbersTable(collection), numbersTable(from))
      }
    }
    this.#empty(emptied)
  }

  #exchange(one: string, other: string): void {
    const { statements } = this.#tools
    const rename = (table: string, name: string) =>
      statements.runOnce(`ALTER TABLE "${table}" RENAME TO "${name}"`)
    rename(one, `${one}~aside`)
    rename(other, one)
    rename(`${one}~aside`, other)
  }

  #empty({ name, schema }: DeclaredCollection): void {
    this.#tools.statements.get(`DELETE FROM "${documentsTable(name)}"`).run()
    if (schema.fullText.length > 0) this.#tools.words.clear(name)
  }
}
