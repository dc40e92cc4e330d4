import { COMMAND_REQUESTED, COMMANDS_TOPIC, type CommandState, commandEventType } from '@millrace/devices'
import type { Sighting, TopicView } from './topic-view.ts'

/** A state that a command entered, as the topic says. */
export interface Transition {
  readonly state: CommandState
  readonly offset: number
  readonly atMs: number
}

/** A command as the topic tells its story. */
export interface LedgerEntry {
  readonly id: string
  readonly device: string
  readonly reading: string
  readonly deadlineAtMs: number
  /** Where it was asked for; more than one place is a mistake. */
  readonly requestedAt: number[]
  readonly transitions: Transition[]
}

const STATES = ['sent', 'acknowledged', 'done', 'failed', 'expired'] as const
const STATE_OF_TYPE = new Map<string, CommandState>(STATES.map((state) => [commandEventType(state), state]))
const decoder = new TextDecoder()

/** True for a state that is never left. */
export function isFinal(state: CommandState): boolean {
  return state === 'done' || state === 'failed' || state === 'expired'
}

/** The oracle's own fold of the command topic. */
export class CommandLedger {
  readonly entries = new Map<string, LedgerEntry>()
  readonly #view: TopicView
  #next = 0

  constructor(view: TopicView) {
    this.#view = view
  }

  /** Takes in what was seen since the last call; gives the commands that it was about. */
  update(): readonly LedgerEntry[] {
    const touched: LedgerEntry[] = []
    const { sightings } = this.#view
    for (; this.#next < sightings.length; this.#next += 1) {
      const sighting = sightings[this.#next]
      if (sighting?.topic !== COMMANDS_TOPIC || sighting.isEcho) continue
      const entry = this.#take(sighting)
      if (entry !== undefined) touched.push(entry)
    }
    return touched
  }

  #take({ offset, content }: Sighting): LedgerEntry | undefined {
    const data = JSON.parse(decoder.decode(content.value)) as RecordData
    if (content.headers.ce_type === COMMAND_REQUESTED) return this.#request(offset, content.headers, data)
    const state = STATE_OF_TYPE.get(content.headers.ce_type ?? '')
    const entry = this.entries.get(data.id)
    if (state === undefined || entry === undefined) return undefined
    entry.transitions.push({ state, offset, atMs: data.atMs })
    entry.transitions.sort((one, other) => one.offset - other.offset)
    return entry
  }

  #request(offset: number, headers: Sighting['content']['headers'], data: RecordData): LedgerEntry {
    const known = this.entries.get(data.id)
    if (known !== undefined) {
      known.requestedAt.push(offset)
      return known
    }
    const entry: LedgerEntry = {
      id: data.id,
      device: headers.ce_subject ?? '',
      reading: data.data.reading,
      deadlineAtMs: data.deadlineAtMs,
      requestedAt: [offset],
      transitions: [],
    }
    this.entries.set(data.id, entry)
    return entry
  }
}

interface RecordData {
  readonly id: string
  readonly atMs: number
  readonly deadlineAtMs: number
  readonly data: { readonly reading: string }
}
