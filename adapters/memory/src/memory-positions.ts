import {
  compareTexts,
  type OperationResult,
  type PreparedPosition,
  type StoredPosition,
} from '@millrace/documents'
import { millraceError } from '@millrace/kernel'
import type { MemoryUnit } from './memory-unit.ts'

/** Where the processors stand. */
export class MemoryPositions {
  /** By processor, then by topic and partition. */
  readonly #positions = new Map<string, Map<string, StoredPosition>>()

  /** By topic and partition. */
  of(processor: string): readonly StoredPosition[] {
    return [...(this.#positions.get(processor)?.values() ?? [])].sort(
      (left, right) => compareTexts(left.topic, right.topic) || left.partition - right.partition,
    )
  }

  apply(
    { processor, position, expectedOffset: expected }: PreparedPosition,
    unit: MemoryUnit,
  ): OperationResult {
    const { topic, partition } = position
    const positions = this.#positions.get(processor) ?? new Map<string, StoredPosition>()
    const key = `${partition} ${topic}`
    const seen = positions.get(key)?.offset ?? 0
    if (expected !== undefined && expected !== seen) {
      throw millraceError('POSITION_CONFLICT', { processor, topic, partition, seen, expected })
    }
    unit.changes.put(positions, key, position)
    this.#positions.set(processor, positions)
    return {}
  }
}
