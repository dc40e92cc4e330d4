import { deadLetterTopic } from '@millrace/bus'
import { Reading } from '../application.ts'
import { deathOf, type TopicView } from './topic-view.ts'

/** Readings that somebody gave up, as far as it was seen. */
export class DeadLetterBook {
  readonly #view: TopicView
  readonly #dead = new Set<string>()
  #next = 0

  constructor(view: TopicView) {
    this.#view = view
  }

  /** True if `group` put the message at this place aside. */
  has(group: string, partition: number, offset: number): boolean {
    this.#update()
    return this.#dead.has(`${group} ${partition}/${offset}`)
  }

  #update(): void {
    const { sightings } = this.#view
    for (; this.#next < sightings.length; this.#next += 1) {
      const sighting = sightings[this.#next]
      if (sighting?.topic !== deadLetterTopic(Reading.type)) continue
      const { group, partition, offset } = deathOf(sighting.content)
      this.#dead.add(`${group} ${partition}/${offset}`)
    }
  }
}
