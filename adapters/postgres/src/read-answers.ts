import {
  type FilterValue,
  type QueryAnswer,
  resultMeter,
  type StoredDocument,
  type StoredEvent,
  type StoredPosition,
  type StreamInfo,
} from '@millrace/documents'
import { assert, millraceError, unreachable } from '@millrace/kernel'
import type { PlainRead } from './compiled-read.ts'
import type { Row, StatementResult } from './statement.ts'

/** The answer to a read, from what its statements gave. @throws STREAM_ENDED, QUERY_INVALID (a result too large) */
export function answerOf(read: PlainRead, results: readonly StatementResult[]): unknown {
  const [first, second] = results
  assert(first !== undefined, 'every read has a statement')
  switch (read.kind) {
    case 'load':
      return documentsOf(read.collection, first.rows)
    case 'query': {
      const documents = documentsOf(read.collection, first.rows)
      return { documents, ...(second === undefined ? {} : { total: wholeIn(second) }) } satisfies QueryAnswer
    }
    case 'count':
      return wholeIn(first)
    case 'aggregate':
      return first.rows[0]?.map((figure) => (figure === null ? null : (JSON.parse(figure) as FilterValue)))
    case 'positions':
      return first.rows.map(positionOf)
    case 'stream':
      return streamOf(read.stream, first.rows)
    case 'stream-info':
      return first.rows.map(infoOf)
    default:
      return unreachable(read)
  }
}

function wholeIn({ rows }: StatementResult): number {
  return Number(rows[0]?.[0])
}

function documentsOf(collection: string, rows: readonly Row[]): StoredDocument[] {
  const measure = resultMeter(collection)
  return rows.map(([id, revision, body, createdAt, changedAt, deletedAt, correlationId, causationId]) => {
    const text = body as string
    measure(text)
    return {
      id: id as string,
      revision: Number(revision),
      text,
      createdAtMs: Number(createdAt),
      changedAtMs: Number(changedAt),
      ...(deletedAt === null ? {} : { deletedAtMs: Number(deletedAt) }),
      ...marksOf(correlationId, causationId),
    }
  })
}

/** Events of `EVENT_COLUMNS`. */
export function eventsOf(what: string, rows: readonly Row[]): StoredEvent[] {
  const measure = resultMeter(what)
  return rows.map((row) => {
    const [position, tenant, stream, streamType, version, id, type, text, topic, recordedAt, ...marks] = row
    measure(text as string)
    return {
      id: id as string,
      type: type as string,
      text: text as string,
      ...(topic === null ? {} : { topic: topic as string }),
      position: Number(position),
      ...(stream === null ? {} : { stream: stream as string }),
      ...(streamType === null ? {} : { streamType: streamType as string }),
      version: Number(version),
      tenant: tenant as string,
      recordedAtMs: Number(recordedAt),
      ...marksOf(...marks),
    }
  })
}

function marksOf(correlationId?: string | null, causationId?: string | null) {
  return {
    ...(typeof correlationId === 'string' ? { correlationId } : {}),
    ...(typeof causationId === 'string' ? { causationId } : {}),
  }
}

function streamOf(stream: string, rows: readonly Row[]): StoredEvent[] {
  if (rows[0]?.[0] === null) throw millraceError('STREAM_ENDED', { stream, state: 'tombstoned' })
  return eventsOf('streams', rows)
}

function positionOf([topic, partition, offset]: Row): StoredPosition {
  return { topic: topic as string, partition: Number(partition), offset: Number(offset) }
}

function infoOf([stream, streamType, version, state, createdAt, changedAt]: Row): StreamInfo {
  return {
    stream: stream as string,
    ...(streamType === null ? {} : { streamType: streamType as string }),
    version: Number(version),
    state: state as StreamInfo['state'],
    createdAtMs: Number(createdAt),
    changedAtMs: Number(changedAt),
  }
}
