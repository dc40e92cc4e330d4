import { checkPatches } from './checked-patches.ts'
import { refuseQuery } from './checked-text.ts'
import type { AnyCollection } from './collection.ts'
import type { WriteOperation } from './database.ts'
import { checkedShape } from './filter-builder.ts'
import type { Patch } from './patch.ts'
import type { Condition, PendingChange } from './pending-unit.ts'
import { pathOf } from './property-path.ts'
import type { ValuePatch } from './serializer.ts'

type PropertyName = string | readonly string[]

/** The run-time side of `TypedPatch`. */
export class PatchBuilder {
  readonly #collection: AnyCollection
  readonly #patches: Patch[] = []
  /** False while a unit with these patches is under way, and afterwards. */
  #isOpen = true
  count: number | undefined

  constructor(collection: AnyCollection) {
    this.#collection = collection
  }

  get patches(): readonly Patch[] {
    return this.#patches
  }

  /** The change that these patches are, once they are saved. */
  change(make: (patches: readonly Patch[], condition: Condition) => WriteOperation): PendingChange {
    return {
      operation: (condition) => {
        this.#isOpen = false
        return this.#patches.length === 0 ? undefined : make([...this.#patches], condition)
      },
      refused: () => {
        this.#isOpen = true
      },
    }
  }

  set(property: PropertyName, value: unknown): this {
    return this.#add({ kind: 'set', path: this.#path(property), value })
  }

  increment(property: PropertyName, by = 1): this {
    return this.#add({ kind: 'increment', path: this.#path(property), by })
  }

  append(property: PropertyName, value: unknown): this {
    return this.#add({ kind: 'append', path: this.#path(property), value })
  }

  appendIfMissing(property: PropertyName, value: unknown): this {
    return this.#add({ kind: 'append-if-missing', path: this.#path(property), value })
  }

  insertAt(property: PropertyName, index: number, value: unknown): this {
    return this.#add({ kind: 'insert-at', path: this.#path(property), index, value })
  }

  remove(property: PropertyName, value: unknown, which: 'first' | 'all' = 'first'): this {
    return this.#add({ kind: 'remove', path: this.#path(property), value, which })
  }

  rename(property: PropertyName, to: string): this {
    return this.#add({ kind: 'rename', path: pathOf(property), to })
  }

  duplicate(property: PropertyName, ...to: readonly PropertyName[]): this {
    const targets = to.map((each) => this.#path(each))
    return this.#add({ kind: 'duplicate', path: this.#path(property), to: targets })
  }

  delete(property: PropertyName): this {
    return this.#add({ kind: 'delete', path: this.#path(property) })
  }

  stored(...patches: readonly Patch[]): this {
    return this.#push(patches)
  }

  #path(property: PropertyName): readonly string[] {
    const path = pathOf(property)
    checkedShape(this.#collection.name, this.#collection.shape, path)
    return path
  }

  #add(patch: ValuePatch): this {
    const { name, serializer } = this.#collection
    return this.#push(serializer.patches(patch, name))
  }

  /** Checked here, so that the call that is wrong is in the stack. */
  #push(patches: readonly Patch[]): this {
    const refuse = refuseQuery(this.#collection.name)
    if (!this.#isOpen) refuse('a patch that was said after it was saved', 'another call of session.patch()')
    this.#patches.push(...checkPatches(patches, refuse).patches)
    return this
  }
}
