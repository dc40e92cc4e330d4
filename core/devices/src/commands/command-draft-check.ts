import { COMMAND_DEADLINE_MS_DEFAULT, type CommandDraft, errorText, millraceError } from '@millrace/kernel'
import { assertDeviceId } from '../device-id.ts'

/** Longest time that a command may wait for its acknowledgement, in milliseconds: 30 days. */
export const COMMAND_DEADLINE_MS_MAX = 30 * 24 * 3_600_000

/** Longest idempotency key, in characters. */
const KEY_LENGTH_MAX = 200
/** Names and ids are levels of MQTT topics. */
const TOPIC_LEVEL = /^[a-zA-Z0-9._:-]{1,128}$/

/**
 * Checks a draft; gives its deadline in milliseconds.
 *
 * @throws DEVICE_ID_INVALID, COMMAND_INVALID
 */
export function checkCommandDraft(draft: CommandDraft, id: string | undefined, dataBytesMax: number): number {
  assertDeviceId(draft.device)
  assertSetting(
    'name',
    draft.name,
    TOPIC_LEVEL.test(draft.name),
    '1 to 128 of a-z, A-Z, 0-9, ".", "_", ":" and "-"',
  )
  const idIsFit = id === undefined || TOPIC_LEVEL.test(id)
  assertSetting('id', id, idIsFit, '1 to 128 of a-z, A-Z, 0-9, ".", "_", ":" and "-"')
  const { deadlineMs = COMMAND_DEADLINE_MS_DEFAULT, idempotencyKey = 'none' } = draft
  const deadlineIsFit = Number.isFinite(deadlineMs) && deadlineMs > 0 && deadlineMs <= COMMAND_DEADLINE_MS_MAX
  assertSetting(
    'deadlineMs',
    deadlineMs,
    deadlineIsFit,
    `more than 0 and at most ${COMMAND_DEADLINE_MS_MAX} ms`,
  )
  const keyIsFit = idempotencyKey !== '' && idempotencyKey.length <= KEY_LENGTH_MAX
  assertSetting('idempotencyKey', idempotencyKey, keyIsFit, `1 to ${KEY_LENGTH_MAX} characters`)
  const dataBytes = jsonBytes(draft.data)
  assertSetting(
    'data',
    `${dataBytes} bytes of JSON`,
    dataBytes <= dataBytesMax,
    `at most ${dataBytesMax} bytes`,
  )
  return deadlineMs
}

function jsonBytes(data: unknown): number {
  try {
    return JSON.stringify(data)?.length ?? 0
  } catch (error) {
    throw millraceError('COMMAND_INVALID', {
      setting: 'data',
      seen: errorText(error),
      expected: 'a JSON value',
    })
  }
}

function assertSetting(setting: string, seen: unknown, isFit: boolean, expected: string): void {
  if (isFit) return
  const text = String(JSON.stringify(seen)).slice(0, 200)
  throw millraceError('COMMAND_INVALID', { setting, seen: text, expected })
}
