/** A command as it reaches a device. */
export interface ReceivedCommand {
  readonly id: string
  readonly name: string
  readonly data: unknown
  /** RFC 3339. */
  readonly deadline: string
}

/** Executes a command; what it returns is the result, what it throws the reason of the failure. */
export type CommandAnswer = (command: ReceivedCommand) => unknown

/** Outcomes remembered, to answer a repeated command without executing it again. */
const OUTCOMES_MAX = 1_000

/** Executes each command once, however often it arrives. */
export class ReceivedCommands {
  readonly #answer: CommandAnswer
  readonly #outcomes = new Map<string, Promise<string>>()

  constructor(answer: CommandAnswer) {
    this.#answer = answer
  }

  /** The outcome to be published for `command`, as JSON. */
  outcome(command: ReceivedCommand): Promise<string> {
    const known = this.#outcomes.get(command.id)
    if (known !== undefined) return known
    const outcome = this.#execute(command)
    this.#outcomes.set(command.id, outcome)
    const [oldest] = this.#outcomes.keys()
    if (this.#outcomes.size > OUTCOMES_MAX && oldest !== undefined) this.#outcomes.delete(oldest)
    return outcome
  }

  async #execute(command: ReceivedCommand): Promise<string> {
    try {
      return JSON.stringify({ state: 'done', result: await this.#answer(command) })
    } catch (error) {
      return JSON.stringify({
        state: 'failed',
        reason: error instanceof Error ? error.message : String(error),
      })
    }
  }
}

/** Reads the payload of a command; undefined if it is none. */
export function readCommand(payload: Uint8Array): ReceivedCommand | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload))
    if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string')
      return undefined
    return value as ReceivedCommand
  } catch {
    return undefined
  }
}
