import type { Bus } from '@millrace/bus'
import type { Database } from '@millrace/documents'
import { millraceError } from '@millrace/kernel'

/**
 * What happens at a call: the process is gone before or after its effect; or the call fails before or after its effect,
 * and the process goes on. `pause`: nothing goes on until `resume`, then it has its effect.
 */
export type Interruption = 'dies before' | 'dies after' | 'fails before' | 'fails after' | 'pauses'

/** The calls that have effects, or tell of them. */
const CALLS = ['prepare', 'commit', 'read', 'eventsBeyond', 'publish', 'listTopics', 'createTopic']

/**
 * A database and a bus as one process sees them, until it is interrupted at its call number `at` (from 1 on) of those
 * that are named; never, for 0.
 */
export class InterruptedProcess {
  readonly #at: number
  readonly #how: Interruption
  readonly #named: readonly string[]
  #calls = 0
  #isDead = false
  #resume = () => {}
  #reach = () => {}
  /** Resolves when it is interrupted. */
  readonly reached: Promise<void>
  readonly #resumed: Promise<void>
  #isPaused = false

  constructor(at: number, how: Interruption, named: readonly string[] = CALLS) {
    this.#at = at
    this.#how = how
    this.#named = named
    this.reached = new Promise((resolve) => {
      this.#reach = resolve
    })
    this.#resumed = new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  /** Calls so far: below `at`, if the process was never interrupted. */
  get calls(): number {
    return this.#calls
  }

  /** Lets a paused process go on. */
  resume(): void {
    this.#isPaused = false
    this.#resume()
  }

  database(real: Database): Database {
    return this.#wrapped(real, () => millraceError('DATABASE_FAILED', { reason: 'the test' }))
  }

  bus(real: Bus): Bus {
    return this.#wrapped(real, () =>
      millraceError('PARTITION_UNAVAILABLE', { topic: 'any', partition: 0, reason: 'the test' }),
    )
  }

  #wrapped<Engine extends object>(real: Engine, failure: () => Error): Engine {
    return new Proxy(real, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target)
        if (typeof member !== 'function') return member
        const call = (...parameters: unknown[]) => Reflect.apply(member, target, parameters) as unknown
        if (!CALLS.includes(String(name))) return call
        return (...parameters: unknown[]) => this.#call(String(name), () => call(...parameters), failure)
      },
    })
  }

  async #call(name: string, act: () => unknown, failure: () => Error): Promise<unknown> {
    if (this.#isDead) return NEVER
    if (this.#isPaused) await this.#resumed
    if (!this.#named.includes(name)) return act()
    this.#calls += 1
    if (this.#calls !== this.#at) return act()
    this.#reach()
    switch (this.#how) {
      case 'dies before':
        this.#isDead = true
        return NEVER
      case 'dies after':
        this.#isDead = true
        await act()
        return NEVER
      case 'fails before':
        throw failure()
      case 'fails after':
        await act()
        throw failure()
      case 'pauses':
        this.#isPaused = true
        await this.#resumed
        return act()
    }
  }
}

const NEVER: Promise<never> = new Promise(() => {})
