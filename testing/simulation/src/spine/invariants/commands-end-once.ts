import type { Invariant } from '../invariant.ts'
import { CommandLedger, isFinal, type LedgerEntry } from '../oracle/command-ledger.ts'
import type { Execution, Oracle } from '../oracle/oracle.ts'

/**
 * A command has one end. It is not sent after its deadline and does not expire before it; its device carries it out at
 * most once and in time; and what made it once does not make it again.
 */
export function commandsEndOnce(oracle: Oracle): Invariant {
  const ledger = new CommandLedger(oracle.topics)
  const executed = new Set<string>()
  const answered = new Set<string>()
  let next = 0
  const judgeExecution = ({
    device,
    commandId,
    reading,
    atMs,
    deadlineAtMs,
  }: Execution): string | undefined => {
    if (atMs > deadlineAtMs)
      return `${device} obeyed ${commandId} ${atMs - deadlineAtMs} ms after its deadline`
    if (executed.has(commandId)) return `${device} obeyed ${commandId} twice`
    executed.add(commandId)
    if (oracle.publications.get(reading)?.isNamed !== true) return undefined
    if (answered.has(reading)) return `${device} was told twice what to do about reading ${reading}`
    answered.add(reading)
    return undefined
  }
  return {
    name: 'CommandsEndOnce',
    afterStep: () => {
      for (; next < oracle.executions.length; next += 1) {
        const wrong = judgeExecution(oracle.executions[next] as Execution)
        if (wrong !== undefined) return wrong
      }
      for (const entry of ledger.update()) {
        const wrong = judgeStory(entry)
        if (wrong !== undefined) return wrong
      }
      return undefined
    },
    atEnd: () => {
      for (const { id, transitions } of ledger.entries.values()) {
        const end = transitions.find(({ state }) => isFinal(state))
        if (end === undefined) return `command ${id} has no end`
        if (end.state === 'done' && !executed.has(id)) return `command ${id} is done, but nobody did it`
      }
      return undefined
    },
  }
}

function judgeStory({ id, requestedAt, transitions, deadlineAtMs }: LedgerEntry): string | undefined {
  if (requestedAt.length > 1) return `command ${id} was asked for at offsets ${requestedAt.join(' and ')}`
  const ends = transitions.filter(({ state }) => isFinal(state))
  if (ends.length > 1) {
    const story = ends.map(({ state, atMs }) => `${state} ${atMs - deadlineAtMs} ms from its deadline`)
    return `command ${id} ended twice: ${story.join(', ')}`
  }
  for (const { state, atMs } of transitions) {
    if (state === 'expired' && atMs < deadlineAtMs)
      return `command ${id} expired ${deadlineAtMs - atMs} ms too early`
    if (state === 'sent' && atMs > deadlineAtMs)
      return `command ${id} was sent ${atMs - deadlineAtMs} ms too late`
  }
  return undefined
}
