import {
  type CommandDraft,
  checkSchema,
  type EventDraft,
  type EventType,
  formatIssues,
  millraceError,
} from '@millrace/kernel'
import type { ActorOutput, ActorResult } from './actor.ts'

/** Most outputs of one event. */
const OUTPUTS_MAX = 1_000

/** An output with its place in the result, which is part of its identity. */
export interface PlacedOutput<Draft extends ActorOutput> {
  readonly index: number
  readonly draft: Draft
}

/** What a handler returned, sorted by kind. */
export interface ActorOutputs {
  readonly events: readonly PlacedOutput<EventDraft>[]
  readonly commands: readonly PlacedOutput<CommandDraft>[]
}

/**
 * Checks what the handler of `actor` returned. Drafts of event types in `declared` must fit their schemas.
 *
 * @throws HANDLER_OUTPUT_INVALID naming the first output that is wrong
 */
export function outputsOf(
  actor: string,
  result: ActorResult,
  declared: ReadonlyMap<string, EventType>,
): ActorOutputs {
  const drafts: readonly unknown[] = Array.isArray(result) ? result : [result ?? []].flat()
  const invalid = (seen: string) => millraceError('HANDLER_OUTPUT_INVALID', { processor: actor, seen })
  if (drafts.length > OUTPUTS_MAX) throw invalid(`${drafts.length} outputs, more than ${OUTPUTS_MAX}`)
  const events: PlacedOutput<EventDraft>[] = []
  const commands: PlacedOutput<CommandDraft>[] = []
  drafts.forEach((draft, index) => {
    const flaw = isEventDraft(draft)
      ? eventFlaw(draft, declared)
      : isCommandDraft(draft)
        ? undefined
        : describe(draft)
    if (flaw !== undefined) throw invalid(`${flaw} as output ${index}`)
    if (isEventDraft(draft)) events.push({ index, draft })
    else commands.push({ index, draft: draft as CommandDraft })
  })
  return { events, commands }
}

function eventFlaw(draft: EventDraft, declared: ReadonlyMap<string, EventType>): string | undefined {
  const { deliverAtMs } = draft
  if (deliverAtMs !== undefined && !Number.isFinite(deliverAtMs))
    return `an event with deliverAtMs ${deliverAtMs}`
  const type = declared.get(draft.type)
  const check = type === undefined ? undefined : checkSchema(type.schema, draft.data)
  if (check === undefined || check.ok) return undefined
  return `an event of type "${draft.type}" whose data does not fit its schema (${formatIssues(check.issues)})`
}

function isEventDraft(value: unknown): value is EventDraft {
  return hasKind(value, 'event-draft') && typeof value.type === 'string'
}

function isCommandDraft(value: unknown): value is CommandDraft {
  return hasKind(value, 'command-draft') && typeof value.device === 'string' && typeof value.name === 'string'
}

function hasKind(value: unknown, kind: string): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  return 'kind' in value ? `something of kind ${JSON.stringify(value.kind)}` : 'an object that is no draft'
}
