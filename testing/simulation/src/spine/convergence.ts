import { ACTOR_NAME, PROJECTION_NAME, Reading } from './application.ts'
import { CommandLedger, isFinal } from './oracle/command-ledger.ts'
import type { World } from './world.ts'

/** Tells what is still to come before a world is at rest; undefined if it is. */
export class Convergence {
  readonly #world: World
  readonly #ledger: CommandLedger
  readonly #positions = new Map<number, number>()
  #nextCommit = 0

  constructor(world: World) {
    this.#world = world
    this.#ledger = new CommandLedger(world.oracle.topics)
  }

  async missing(): Promise<string | undefined> {
    const { devices, server } = this.#world
    const bus = server?.bus
    if (server === undefined || bus === undefined || server.processors.length < 2)
      return 'the server does not run'
    const busy = devices.filter((device) => !device.isDone)
    if (busy.length > 0) {
      return busy
        .map(({ plan, waiting, isOpen }) => `${plan.id} ${isOpen ? 'has' : 'is away with'} ${waiting} to say`)
        .join(', ')
    }
    const topics = await bus.listTopics()
    const groups = await bus.listGroups()
    this.#update()
    for (const { partition, endOffset } of topics.find(({ name }) => name === Reading.type)?.partitions ??
      []) {
      const positions = groups.find(({ group }) => group === ACTOR_NAME)?.positions ?? []
      const actorAt = positions.find((position) => position.partition === partition)?.offset ?? 0
      const totalsAt = this.#positions.get(partition) ?? 0
      if (actorAt < endOffset)
        return `${ACTOR_NAME} is at ${actorAt} of ${endOffset} in partition ${partition}`
      if (totalsAt < endOffset && !this.#endsInDeadLetters(partition, totalsAt, endOffset)) {
        return `${PROJECTION_NAME} is at ${totalsAt} of ${endOffset} in partition ${partition}`
      }
    }
    for (const { id, device, transitions } of this.#ledger.entries.values()) {
      if (!transitions.some(({ state }) => isFinal(state))) return `command ${id} to ${device} has no end`
    }
    return undefined
  }

  #update(): void {
    this.#ledger.update()
    const { commits } = this.#world.oracle
    for (; this.#nextCommit < commits.length; this.#nextCommit += 1) {
      for (const { partition, offset } of commits[this.#nextCommit]?.positions ?? []) {
        this.#positions.set(partition, offset)
      }
    }
  }

  /** A projection commits no position for a dead letter alone; the next event moves it. */
  #endsInDeadLetters(partition: number, from: number, end: number): boolean {
    for (let offset = from; offset < end; offset += 1) {
      if (!this.#world.oracle.dead.has(PROJECTION_NAME, partition, offset)) return false
    }
    return true
  }
}
