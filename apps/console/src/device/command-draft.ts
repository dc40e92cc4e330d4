import type { CommandRequest } from '@millrace/server/api-shapes'
import { parseJson } from '../format/json.ts'

/** What the form holds, as it was typed. */
export interface CommandDraft {
  readonly name: string
  readonly data: string
  readonly deadlineSeconds: string | number
  readonly idempotencyKey: string
}

export const EMPTY_DRAFT: CommandDraft = { name: '', data: '{}', deadlineSeconds: 60, idempotencyKey: '' }

export interface DraftFaults {
  readonly name?: string
  readonly data?: string
  readonly deadline?: string
}

/** What is wrong with a draft, by field; nothing if it can be sent. */
export function draftFaults(draft: CommandDraft): DraftFaults {
  const data = parseJson(draft.data)
  const seconds = Number(draft.deadlineSeconds)
  return {
    ...(draft.name.trim() === '' ? { name: 'A command needs a name.' } : {}),
    ...(data.ok ? {} : { data: data.message }),
    ...(Number.isFinite(seconds) && seconds > 0 ? {} : { deadline: 'Give a number of seconds above zero.' }),
  }
}

/** The request that a draft without faults stands for. */
export function requestOf(draft: CommandDraft): CommandRequest {
  const data = parseJson(draft.data)
  const key = draft.idempotencyKey.trim()
  return {
    name: draft.name.trim(),
    ...(data.ok && data.value !== undefined ? { data: data.value } : {}),
    deadlineMs: Math.round(Number(draft.deadlineSeconds) * 1000),
    ...(key === '' ? {} : { idempotencyKey: key }),
  }
}
