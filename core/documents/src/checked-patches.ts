import { checkPath } from './checked-filter.ts'
import { checkList, checkText, checkWhole, type Refuse, show } from './checked-text.ts'
import { documentLimits as limits } from './document-limits.ts'
import { findJsonIssue } from './document-text.ts'
import type { JsonValue, Patch } from './patch.ts'

/**
 * A copy of patches with nothing in them but what patches have, and the length of their values as JSON.
 *
 * @throws what `refuse` throws
 */
export function checkPatches(
  patches: readonly Patch[],
  refuse: Refuse,
): { readonly patches: readonly Patch[]; readonly characters: number } {
  const listed = checkList('patches', patches, { min: 1, max: limits.patchesMax }, refuse)
  const check = new PatchCheck(refuse)
  return { patches: listed.map((patch) => check.check(patch)), characters: check.characters }
}

class PatchCheck {
  readonly #refuse: Refuse
  characters = 0

  constructor(refuse: Refuse) {
    this.#refuse = refuse
  }

  check(patch: Patch): Patch {
    if (typeof patch !== 'object' || patch === null) this.#refuse(`the patch ${show(patch)}`, 'a patch')
    const { kind } = patch
    const path = this.#path(patch.path)
    switch (kind) {
      case 'set':
        return { kind, path, value: this.#value(patch.value, path.length) }
      case 'append':
      case 'append-if-missing':
        return { kind, path, value: this.#value(patch.value, path.length + 1) }
      case 'increment':
        if (!Number.isFinite(patch.by)) this.#refuse(`an increment by ${show(patch.by)}`, 'a finite number')
        return { kind, path, by: patch.by }
      case 'insert-at': {
        const index = checkWhole('index', patch.index, Number.MAX_SAFE_INTEGER, this.#refuse)
        return { kind, path, index, value: this.#value(patch.value, path.length + 1) }
      }
      case 'remove':
        if (patch.which !== 'first' && patch.which !== 'all') {
          this.#refuse(`a removal of ${show(patch.which)}`, '"first" or "all"')
        }
        return { kind, path, value: this.#value(patch.value, path.length + 1), which: patch.which }
      case 'rename':
        return { kind, path, to: this.#newName(path, patch.to) }
      case 'duplicate':
        return { kind, path, to: this.#targets(patch.to) }
      case 'delete':
        return { kind, path }
      default:
        return this.#refuse(
          `a patch of the kind ${show((patch as { kind?: unknown }).kind)}`,
          'set, increment, append, append-if-missing, insert-at, remove, rename, duplicate, delete',
        )
    }
  }

  #path(path: unknown): readonly string[] {
    const checked = checkPath(path, this.#refuse)
    if (checked[0] === 'id') this.#refuse('a patch of "id"', 'another property; the id of a document stays')
    return checked
  }

  #newName(path: readonly string[], to: unknown): string {
    const { pathSegmentCharactersMax: charactersMax } = limits
    const name = checkText('new name', to, { charactersMax, mayBeEmpty: true }, this.#refuse)
    if (path.length === 1 && name === 'id') this.#refuse('the new name "id"', 'another name')
    return name
  }

  #targets(to: readonly (readonly string[])[]): readonly (readonly string[])[] {
    const listed = checkList('targets', to, { min: 1, max: limits.patchTargetsMax }, this.#refuse)
    return listed.map((path) => this.#path(path))
  }

  /** A copy through JSON, so that nobody can change it later. `outside` is how many levels there are around it. */
  #value(value: JsonValue, outside: number): JsonValue {
    const issue = findJsonIssue(value, outside + 1)
    if (issue !== undefined) this.#refuse(`a value with ${issue}`, 'what JSON can hold')
    const text = JSON.stringify(value)
    this.characters += text.length
    if (text.length > limits.documentCharactersMax) {
      this.#refuse(`a value of ${text.length} characters`, `at most ${limits.documentCharactersMax}`)
    }
    return JSON.parse(text)
  }
}
