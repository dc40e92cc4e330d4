import {
  applyPatches,
  compareDocuments,
  type DocumentChange,
  type DocumentQuery,
  type Filter,
  figureOf,
  type JsonValue,
  matches,
  type OperationResult,
  type Patch,
  valueAt,
  type WriteOperation,
} from '@millrace/documents'
import { isMillraceError } from '@millrace/kernel'

type Body = Readonly<Record<string, JsonValue>>

interface ModelDocument {
  readonly id: string
  readonly revision: number
  readonly body: Body
  readonly isDeleted: boolean
}

/** What the model says a query finds. */
export interface ModelAnswer {
  readonly documents: readonly (readonly [id: string, revision: number, body: unknown])[]
  readonly total: number
  readonly sum: number
  /** The sum without signs: how exact `sum` can be, which engines may add up in another order. */
  readonly sumOfSizes: number
  readonly figures: readonly unknown[]
}

export type ModelOperation = Extract<
  WriteOperation,
  {
    readonly kind: 'store' | 'patch' | 'patch-where' | 'delete' | 'delete-where' | 'restore-where' | 'expect'
  }
>

export type ModelQuery = Omit<DocumentQuery, 'collection' | 'tenant' | 'deleted'> & {
  readonly deleted: 'exclude' | 'include' | { readonly kind: 'only' }
}

/** The sum that each query of the model asks for, too. */
export const MODEL_SUM = { kind: 'sum', path: ['a'] } as const

/** The other figures. */
export const MODEL_FIGURES = [
  { kind: 'min', path: ['a'] },
  { kind: 'max', path: ['b'] },
  { kind: 'max', path: ['a', 'b'] },
] as const

/** One tenant's documents of a collection with soft deletes, in plain arrays: what engines are compared with. */
export class DatabaseModel {
  readonly #fullText: readonly (readonly string[])[]
  #documents: readonly ModelDocument[] = []

  constructor(fullText: readonly (readonly string[])[]) {
    this.#fullText = fullText
  }

  /** The results of a unit, or the code that it is refused with. */
  commit(operations: readonly ModelOperation[]): readonly OperationResult[] | string {
    const before = this.#documents
    try {
      return operations.map((operation) => this.#apply(operation))
    } catch (error) {
      this.#documents = before
      if (isMillraceError(error)) return error.code
      if (error instanceof Conflict) return 'DOCUMENT_CONFLICT'
      throw error
    }
  }

  query({ where, orderBy = [], limit = 100, offset = 0, select, deleted }: ModelQuery): ModelAnswer {
    const found = this.#documents
      .filter(({ isDeleted }) => deleted === 'include' || isDeleted === (deleted !== 'exclude'))
      .filter((document) => where === undefined || this.#matches(where, document))
      .sort((left, right) => compareDocuments(orderBy, left, right))
    const page = found.slice(offset, offset + limit)
    return {
      documents: page.map(({ id, revision, body }) => [
        id,
        revision,
        select === undefined ? body : parts(body, select),
      ]),
      total: found.length,
      sum: Number(figureOf(MODEL_SUM, found)),
      sumOfSizes: found.reduce((sum, { body: { a } }) => sum + (typeof a === 'number' ? Math.abs(a) : 0), 0),
      figures: MODEL_FIGURES.map((figure) => figureOf(figure, found)),
    }
  }

  #matches(where: Filter, document: ModelDocument): boolean {
    return matches(where, document, this.#fullText)
  }

  #apply(operation: ModelOperation): OperationResult {
    switch (operation.kind) {
      case 'store': {
        this.#expect(operation.id, operation.expectedRevision)
        const before = this.#documents.find(({ id }) => id === operation.id)
        return this.#put({
          ...changed(before),
          id: operation.id,
          body: JSON.parse(operation.text),
          isDeleted: false,
        })
      }
      case 'patch': {
        this.#expect(operation.id, operation.expectedRevision)
        const before = this.#live(operation.id)
        return before === undefined ? { count: 0 } : { ...this.#patch(before, operation.patches), count: 1 }
      }
      case 'delete': {
        this.#expect(operation.id, operation.expectedRevision)
        const { id, hard = false } = operation
        return { count: this.#delete((each) => each.id === id, hard).length }
      }
      case 'expect':
        this.#expect(operation.id, operation.revision)
        return {}
      case 'delete-where': {
        const { where, hard = false, withChanges = false } = operation
        const changes = this.#delete((each) => where === undefined || this.#matches(where, each), hard)
        return { count: changes.length, ...(withChanges ? { changes } : {}) }
      }
      default:
        return this.#changeMany(operation)
    }
  }

  #changeMany(
    operation: Extract<ModelOperation, { kind: 'patch-where' | 'restore-where' }>,
  ): OperationResult {
    const isRestore = operation.kind === 'restore-where'
    const found = this.#documents.filter(
      (each) => each.isDeleted === isRestore && this.#matches(operation.where, each),
    )
    const changes = found.map((document) => {
      const { id } = document
      const { revision = 0 } = isRestore
        ? this.#put({ ...document, ...changed(document), isDeleted: false })
        : this.#patch(document, operation.patches)
      return { id, revision }
    })
    const isAsked = !isRestore && operation.withChanges === true
    return { count: changes.length, ...(isAsked ? { changes } : {}) }
  }

  #patch(document: ModelDocument, patches: readonly Patch[]): { readonly revision: number } {
    const body = applyPatches({ collection: 'benches', id: document.id, body: document.body }, patches)
    return this.#put({ ...document, ...changed(document), body })
  }

  #delete(isMeant: (document: ModelDocument) => boolean, hard: boolean): DocumentChange[] {
    const found = this.#documents.filter((each) => (hard || !each.isDeleted) && isMeant(each))
    if (!hard) for (const each of found) this.#put({ ...each, ...changed(each), isDeleted: true })
    else this.#documents = this.#documents.filter((each) => !found.includes(each))
    return found.map(({ id, revision }) => ({ id, revision: hard ? revision : revision + 1 }))
  }

  #live(id: string): ModelDocument | undefined {
    return this.#documents.find((each) => each.id === id && !each.isDeleted)
  }

  #expect(id: string, revision: number | undefined): void {
    if (revision !== undefined && (this.#live(id)?.revision ?? 0) !== revision) throw new Conflict()
  }

  #put(document: ModelDocument): { readonly revision: number } {
    this.#documents = [...this.#documents.filter(({ id }) => id !== document.id), document]
    return { revision: document.revision }
  }
}

class Conflict extends Error {}

function changed(before: ModelDocument | undefined): { readonly revision: number } {
  return { revision: (before?.revision ?? 0) + 1 }
}

function parts(body: Body, select: Readonly<Record<string, readonly string[]>>): unknown {
  return Object.fromEntries(Object.entries(select).map(([name, path]) => [name, valueAt(body, path)]))
}
