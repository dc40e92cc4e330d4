import type { StoredDocument, StoredEvent } from '@millrace/documents'
import { unreachable } from '@millrace/kernel'
import type { RowAnswer, SqlRow } from './read-answers.ts'

/** An answer as the port has it, from what came from the reading thread. */
export function decodeAnswer(answer: RowAnswer): unknown {
  switch (answer.kind) {
    case 'documents':
      return answer.rows.map(decodeDocument)
    case 'page': {
      const documents = answer.rows.map(decodeDocument)
      return answer.total === undefined ? { documents } : { documents, total: answer.total }
    }
    case 'events':
      return answer.rows.map(decodeEvent)
    case 'feed':
      return { events: answer.rows.map(decodeEvent), through: answer.through }
    case 'whole':
      return answer.value
    default:
      return unreachable(answer)
  }
}

type Mutable<Row> = { -readonly [Name in keyof Row]: Row[Name] }

/** Fields are set one by one where they may be missing: spreading parts together costs several times as much. */
function decodeDocument(row: SqlRow): StoredDocument {
  const [id, revision, createdAtMs, changedAtMs, deletedAtMs, correlationId, causationId, text] = row as [
    string,
    number,
    number,
    number,
    number | null,
    string | null,
    string | null,
    string,
  ]
  const document: Mutable<StoredDocument> = { id, revision, text, createdAtMs, changedAtMs }
  if (deletedAtMs !== null) document.deletedAtMs = deletedAtMs
  if (correlationId !== null) document.correlationId = correlationId
  if (causationId !== null) document.causationId = causationId
  return document
}

function decodeEvent(row: SqlRow): StoredEvent {
  const [
    position,
    tenant,
    stream,
    streamType,
    version,
    id,
    type,
    topic,
    recordedAtMs,
    correlationId,
    causationId,
    text,
  ] = row as [
    number,
    string,
    string | null,
    string | null,
    number,
    string,
    string,
    string | null,
    number,
    string | null,
    string | null,
    string,
  ]
  const event: Mutable<StoredEvent> = { id, type, text, position, version, tenant, recordedAtMs }
  if (topic !== null) event.topic = topic
  if (stream !== null) event.stream = stream
  if (streamType !== null) event.streamType = streamType
  if (correlationId !== null) event.correlationId = correlationId
  if (causationId !== null) event.causationId = causationId
  return event
}
