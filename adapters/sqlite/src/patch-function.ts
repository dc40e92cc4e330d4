import type { DatabaseSync } from 'node:sqlite'
import {
  applyPatches,
  checkDocumentLength,
  type JsonValue,
  type Patch,
  parseKeepingNumbers,
} from '@millrace/documents'
import { assert } from '@millrace/kernel'

/** What is being patched. */
interface Patching {
  readonly collection: string
  readonly patches: readonly Patch[]
}

/**
 * The function that patches run in, inside of SQLite: `millrace_patch(id, body)` is the patched body. So documents are
 * changed by one statement, without being loaded, and by the same code that defines what patches do. Only our own
 * statements can call it, not what stands in the file.
 */
export class PatchFunction {
  #current: Patching | undefined
  #lastText: string | undefined

  constructor(database: DatabaseSync) {
    database.function('millrace_patch', { directOnly: true, deterministic: true }, (id, body) =>
      this.#patch(String(id), String(body)),
    )
  }

  /** The last body that it made, while patches run: the one that a violated index complains of. */
  get lastText(): string | undefined {
    return this.#lastText
  }

  /** Runs a statement that calls the function. @throws PATCH_REFUSED, DOCUMENT_TOO_LARGE */
  run<Result>(patching: Patching, statement: () => Result): Result {
    this.#current = patching
    try {
      return statement()
    } finally {
      this.#current = undefined
      this.#lastText = undefined
    }
  }

  #patch(id: string, text: string): string {
    assert(this.#current !== undefined, 'the patch function runs in its own statements only')
    const { collection, patches } = this.#current
    const body = (HAS_LONG_NUMBERS.test(text) ? parseKeepingNumbers(text) : JSON.parse(text)) as Body
    const patched = JSON.stringify(applyPatches({ collection, id, body }, patches))
    checkDocumentLength(collection, id, patched.length)
    this.#lastText = patched
    return patched
  }
}

type Body = Readonly<Record<string, JsonValue>>

/**
 * Whether there may be a number in a JSON text that JavaScript cannot hold: one with 16 digits or more, or an exponent.
 * Parsing one that keeps its digits takes several times as long. A text that only looks like it does no harm.
 */
const HAS_LONG_NUMBERS = /[:,[\s]-?[0-9.]*(?:[0-9.]{16}|[0-9][eE][+-]?[0-9])/
