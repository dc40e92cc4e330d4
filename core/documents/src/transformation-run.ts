import { errorText, isMillraceError, millraceError, throwIfAborted } from '@millrace/kernel'
import { checkText, checkWhole, refuseOperation } from './checked-text.ts'
import { transformedText } from './checked-transform.ts'
import type { Database, WriteOperation } from './database.ts'
import { checkDocument } from './document-form.ts'
import { idText } from './document-id.ts'
import { documentLimits } from './document-limits.ts'
import type { StoredDocument } from './document-operation.ts'
import { nextPageSize, pageLimits } from './page-size.ts'
import { readOne } from './single-read.ts'
import type { Transformation, TransformProgress } from './transformation.ts'
import { loadNote, nextNote, type StepCounts, type TransformationNote } from './transformation-note.ts'

const BATCH_DEFAULT = 500

/** How often one step is tried while documents of it are changed by others. */
const STEP_ATTEMPTS_MAX = 20

/** Runs a transformation to its end. Throws as `TransformCalls.transform`. */
export async function runTransformation(
  database: Database,
  transformation: Transformation,
): Promise<TransformProgress> {
  const { collection, options } = transformation
  const refuse = refuseOperation('transform', `the collection "${collection.name}"`)
  checkText('name', options.name, { charactersMax: documentLimits.idCharactersMax }, refuse)
  const batch = checkWhole('batch', options.batch ?? BATCH_DEFAULT, pageLimits.documentsMax, refuse)
  if (batch === 0) refuse('a batch of 0', `1 to ${pageLimits.documentsMax}`)
  let note = await loadNote(database, transformation)
  let size = Math.min(batch, pageLimits.documentsMin)
  let conflicts = 0
  while (!note.progress.isDone) {
    throwIfAborted(options.signal)
    try {
      const step = await takeStep(database, transformation, note, size)
      note = step.note
      size = Math.min(batch, step.nextSize)
      conflicts = 0
    } catch (error) {
      conflicts += 1
      if (!isMillraceError(error, 'DOCUMENT_CONFLICT') || conflicts >= STEP_ATTEMPTS_MAX) throw error
      note = await loadNote(database, transformation)
      continue
    }
    options.onProgress?.(note.progress)
  }
  return note.progress
}

interface Step {
  readonly note: TransformationNote
  readonly nextSize: number
}

async function takeStep(
  database: Database,
  transformation: Transformation,
  note: TransformationNote,
  size: number,
): Promise<Step> {
  const { change } = transformation
  return typeof change === 'object' && database.supports.transforms
    ? stepInside(database, transformation, change.source, note)
    : stepHere(database, transformation, note, size)
}

/** The engine changes the documents; that it has done so is noted afterwards. */
async function stepInside(
  database: Database,
  { collection, tenant, options: { batch = BATCH_DEFAULT } }: Transformation,
  source: string,
  before: TransformationNote,
): Promise<Step> {
  const after = before.after === undefined ? {} : { after: before.after }
  const outcome = await database.transform({
    collection: collection.name,
    tenant,
    source,
    limit: batch,
    ...after,
  })
  const { note, operation } = nextNote(before, outcome, tenant)
  await database.commit([operation])
  return { note, nextSize: batch }
}

/** Reads documents, changes them, and writes them together with the note. */
async function stepHere(
  database: Database,
  transformation: Transformation,
  before: TransformationNote,
  size: number,
): Promise<Step> {
  const { collection, tenant } = transformation
  const { documents } = await readOne(database, {
    kind: 'query',
    collection: collection.name,
    tenant,
    deleted: 'include',
    limit: size,
    ...(before.after === undefined ? {} : { where: { kind: 'id', operator: 'gt', value: before.after } }),
  })
  const operations = documents.flatMap((stored) => changesOf(transformation, stored))
  const counts: StepCounts = {
    seen: documents.length,
    changed: operations.filter(({ kind }) => kind === 'store').length,
    deleted: operations.filter((operation) => operation.kind === 'delete' && operation.hard === true).length,
    last: documents.at(-1)?.id,
  }
  const { note, operation } = nextNote(before, counts, tenant)
  await database.commit([...operations, operation])
  return { note, nextSize: documents.length === 0 ? size : nextPageSize(documents) }
}

function changesOf(transformation: Transformation, stored: StoredDocument): readonly WriteOperation[] {
  const { collection, tenant } = transformation
  const { id, revision, deletedAtMs } = stored
  const text = changedText(transformation, stored)
  const target = { collection: collection.name, id, tenant }
  if (text === undefined) return []
  if (deletedAtMs === undefined) {
    const expected = { ...target, expectedRevision: revision }
    return text === null
      ? [{ kind: 'delete', hard: true, ...expected }]
      : [{ kind: 'store', text, ...expected }]
  }
  if (text === null) return [{ kind: 'delete', hard: true, ...target }]
  // A marked document is one that does not exist, as far as conditions go; a write takes the mark away.
  return [
    { kind: 'store', text, ...target, expectedRevision: 0 },
    { kind: 'delete', ...target },
  ]
}

/** The new text; null if the document goes, undefined if it stays as it is. @throws TRANSFORM_FAILED */
function changedText(
  { collection, change }: Transformation,
  stored: StoredDocument,
): string | null | undefined {
  const { id } = stored
  const { name, serializer } = collection
  try {
    if (typeof change === 'object') {
      const body = JSON.parse(stored.text)
      return transformedText({ collection: name, id, body }, change.run(JSON.parse(stored.text) as never))
    }
    const changed = change(serializer.read(stored.text) as never)
    if (changed === undefined || changed === null) return changed
    const document = checkDocument(collection, changed)
    if (idText(name, document.id) !== id) {
      throw millraceError('TRANSFORM_FAILED', { collection: name, id, reason: 'it changed "id"' })
    }
    return serializer.write(document, { collection: name, id })
  } catch (error) {
    if (isMillraceError(error, 'TRANSFORM_FAILED')) throw error
    throw millraceError(
      'TRANSFORM_FAILED',
      { collection: name, id, reason: errorText(error) },
      { cause: error },
    )
  }
}
