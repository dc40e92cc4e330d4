import { unreachable } from '@millrace/kernel'
import { checkList, checkText, checkWhole, type Refuse, refuseOperation, show } from './checked-text.ts'
import { documentLimits as limits } from './document-limits.ts'
import type { CommitMeter } from './prepared-commit.ts'
import type { PreparedEvent, PreparedStreamOperation } from './prepared-operation.ts'
import type { NewEvent, StreamOperation } from './stored-event.ts'

/** Checks and copies what a unit does to streams. @throws OPERATION_INVALID */
export function prepareStreamOperation(
  operation: StreamOperation,
  meter: CommitMeter,
): PreparedStreamOperation {
  const { kind } = operation
  const target = 'stream' in operation ? `the stream ${show(operation.stream)}` : 'the streams'
  const refuse = refuseOperation(kind, target)
  switch (kind) {
    case 'append':
      return prepareAppend(operation, refuse, meter)
    case 'publish': {
      const events = prepareEvents(operation.events, refuse, meter)
      if (events.some(({ topic }) => topic === undefined))
        refuse('an event without a topic', 'a topic for each')
      return { kind, events }
    }
    case 'archive':
    case 'tombstone':
      return { kind, stream: checkStreamName(operation.stream, refuse) }
    case 'forget-published':
      return { kind, before: checkWhole('position', operation.before, Number.MAX_SAFE_INTEGER, refuse) }
    default:
      return unreachable(operation)
  }
}

/** A stream's name; the same in writes and reads. */
export function checkStreamName(stream: unknown, refuse: Refuse): string {
  return checkText('stream name', stream, { charactersMax: limits.streamNameCharactersMax }, refuse)
}

function prepareAppend(
  { kind, stream, streamType, expectedVersion, events }: Extract<StreamOperation, { kind: 'append' }>,
  refuse: Refuse,
  meter: CommitMeter,
): PreparedStreamOperation {
  const { eventTypeCharactersMax: charactersMax } = limits
  return {
    kind,
    stream: checkStreamName(stream, refuse),
    streamType:
      streamType === undefined ? undefined : checkText('stream type', streamType, { charactersMax }, refuse),
    expectedVersion:
      expectedVersion === undefined
        ? undefined
        : checkWhole('expected version', expectedVersion, Number.MAX_SAFE_INTEGER, refuse),
    events: prepareEvents(events, refuse, meter),
  }
}

function prepareEvents(
  events: readonly NewEvent[],
  refuse: Refuse,
  meter: CommitMeter,
): readonly PreparedEvent[] {
  const listed = checkList('events', events, { min: 1, max: limits.commitEventsMax }, refuse)
  meter.events += listed.length
  return listed.map((event) => {
    const prepared = prepareEvent(event, refuse)
    meter.characters += prepared.text.length
    return prepared
  })
}

function prepareEvent(event: NewEvent, refuse: Refuse): PreparedEvent {
  const { id, type, text, topic } = Object(event) as NewEvent
  const { eventIdCharactersMax, eventTypeCharactersMax, eventCharactersMax, topicNameCharactersMax } = limits
  const checked = checkText('event text', text, { charactersMax: eventCharactersMax }, refuse)
  if (!checked.startsWith('{') || !checked.endsWith('}')) refuse('an event text', 'the JSON of an object')
  return {
    id: checkText('event id', id, { charactersMax: eventIdCharactersMax }, refuse),
    type: checkText('event type', type, { charactersMax: eventTypeCharactersMax }, refuse),
    text: checked,
    topic:
      topic === undefined
        ? undefined
        : checkText('topic', topic, { charactersMax: topicNameCharactersMax }, refuse),
  }
}
