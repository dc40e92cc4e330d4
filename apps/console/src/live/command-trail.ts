import type { CommandBody, MessageBody } from '@millrace/server/api-shapes'

/** A step in the life of a command. `at` is missing if it happened before anybody was looking. */
export interface CommandStep {
  readonly state: CommandBody['state']
  readonly reached: boolean
  readonly at?: string
}

/** When a command was seen to enter which state. */
export type StepTimes = Readonly<Partial<Record<CommandBody['state'], string>>>

/** Adds what `command` says about its own past. */
export function rememberStep(times: StepTimes, command: CommandBody): StepTimes {
  return { ...times, queued: command.createdAt, [command.state]: command.changedAt }
}

/** The topic of all commands and their states, keyed by device; the server keeps it. */
export const COMMANDS_TOPIC = 'millrace.commands'

const STATES: ReadonlyMap<unknown, CommandBody['state']> = new Map([
  ['millrace.command.requested', 'queued'],
  ['millrace.command.sent', 'sent'],
  ['millrace.command.acknowledged', 'acknowledged'],
  ['millrace.command.done', 'done'],
  ['millrace.command.failed', 'failed'],
  ['millrace.command.expired', 'expired'],
])

/** What a message of {@link COMMANDS_TOPIC} says of a command's way; undefined if it is none of its steps. */
export function stepOf({ event }: Pick<MessageBody, 'event'>): { id: string; times: StepTimes } | undefined {
  const state = STATES.get(event?.type)
  const id = (event?.data as { readonly id?: unknown } | null | undefined)?.id
  if (state === undefined || typeof id !== 'string' || typeof event?.time !== 'string') return undefined
  return { id, times: { [state]: event.time } }
}

/** True if nothing more will happen to a command. */
export const isFinal = (state: CommandBody['state']): boolean =>
  state === 'done' || state === 'failed' || state === 'expired'

/**
 * The line that a command runs along: queued → sent → acknowledged → done, or where it left that line. A command that
 * expired ends at the last step that is known to have been reached.
 */
export function commandSteps(command: CommandBody, times: StepTimes): readonly CommandStep[] {
  const known = rememberStep(times, command)
  const step = (state: CommandBody['state'], reached: boolean): CommandStep => {
    const at = known[state]
    return at === undefined || !reached ? { state, reached } : { state, reached, at }
  }
  const line = ['queued', 'sent', 'acknowledged'] as const
  if (command.state === 'expired') {
    return [
      ...line.filter((state) => known[state] !== undefined).map((state) => step(state, true)),
      step('expired', true),
    ]
  }
  const end = command.state === 'failed' ? 'failed' : 'done'
  const place = isFinal(command.state) ? line.length : line.indexOf(command.state as (typeof line)[number])
  return [...line.map((state, index) => step(state, index <= place)), step(end, isFinal(command.state))]
}

/** Commands of one device that are shown. */
export const COMMANDS_SHOWN_MAX = 120

/** Puts a command's newest state in its place; one that is not known comes first. */
export function withCommand(commands: readonly CommandBody[], command: CommandBody): readonly CommandBody[] {
  const known = commands.find((each) => each.id === command.id)
  if (!known) return [command, ...commands].slice(0, COMMANDS_SHOWN_MAX)
  // The answer to a request may be older than what the live feed has said meanwhile.
  if (Date.parse(known.changedAt) > Date.parse(command.changedAt)) return commands
  return commands.map((each) => (each.id === command.id ? command : each))
}
