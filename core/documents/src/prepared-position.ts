import { checkText, checkWhole, refuseOperation, show } from './checked-text.ts'
import type { PositionOperation } from './database.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { PreparedPosition } from './prepared-operation.ts'

const MAX = Number.MAX_SAFE_INTEGER

/** Checks and copies the move of a processor's position. @throws OPERATION_INVALID */
export function preparePosition({
  processor,
  position,
  expectedOffset,
}: PositionOperation): PreparedPosition {
  const refuse = refuseOperation('position', `the processor ${show(processor)}`)
  const { processorNameCharactersMax, topicNameCharactersMax } = limits
  const { topic, partition, offset } = Object(position) as PositionOperation['position']
  return {
    kind: 'position',
    processor: checkText('processor', processor, { charactersMax: processorNameCharactersMax }, refuse),
    position: {
      topic: checkText('topic', topic, { charactersMax: topicNameCharactersMax }, refuse),
      partition: checkWhole('partition', partition, 2 ** 31 - 1, refuse),
      offset: checkWhole('offset', offset, MAX, refuse),
    },
    expectedOffset:
      expectedOffset === undefined ? undefined : checkWhole('expected offset', expectedOffset, MAX, refuse),
  }
}
