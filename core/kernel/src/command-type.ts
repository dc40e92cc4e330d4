import { millraceError } from './errors/millrace-error.ts'
import type { Event } from './event.ts'
import { checkSchema, formatIssues, type Schema } from './schema.ts'

/** Choices for a command beside its data. */
export interface CommandOptions {
  /** Milliseconds from sending until the command may no longer be executed. Default: 60,000. */
  readonly deadlineMs?: number
  /** Two commands to one device with the same key are one command. Default: none. */
  readonly idempotencyKey?: string
}

/** An intention towards one device that has no identity yet. */
export interface CommandDraft<Data = unknown> extends CommandOptions {
  readonly kind: 'command-draft'
  readonly device: string
  readonly name: string
  readonly data: Data
  readonly causationId?: string
  readonly correlationId?: string
}

/** A named kind of command with the schema of its data. */
export interface CommandType<Data = unknown> {
  readonly kind: 'command-type'
  readonly name: string
  readonly schema: Schema<Data>
  /** A draft to `device`; the data is checked at once (`COMMAND_INVALID`). */
  to(device: string, data: Data, options?: CommandOptions & { readonly cause?: Event }): CommandDraft<Data>
}

/** How long a command may wait for its device when nothing else is said, in milliseconds. */
export const COMMAND_DEADLINE_MS_DEFAULT = 60_000

/**
 * Declares a kind of command.
 *
 * @example
 * const OpenVent = command('open-vent', z.object({ percent: z.number().min(0).max(100) }))
 * OpenVent.to('bench-7', { percent: 80 }, { deadlineMs: 30_000 })
 */
export function command<Data>(name: string, schema: Schema<Data>): CommandType<Data> {
  return {
    kind: 'command-type',
    name,
    schema,
    to: (device, data, { cause, ...options } = {}) => {
      const result = checkSchema(schema, data)
      if (!result.ok) {
        const issues = formatIssues(result.issues)
        throw millraceError('COMMAND_INVALID', {
          setting: 'data',
          seen: issues,
          expected: `data that fits "${name}"`,
        })
      }
      return { kind: 'command-draft', device, name, data: result.value, ...options, ...causeOf(cause) }
    },
  }
}

function causeOf(cause: Event | undefined) {
  if (cause === undefined) return {}
  return { causationId: cause.id, correlationId: String(cause.extensions?.correlationid ?? cause.id) }
}
