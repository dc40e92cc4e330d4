import type { ReadingData } from '../application.ts'
import { DeadLetterBook } from './dead-letter-book.ts'
import { TopicView } from './topic-view.ts'

/** One reading (or misfit) that a device publishes, perhaps several times. */
export interface Publication {
  readonly id: string
  readonly device: string
  /** Its place in the order of the device. */
  readonly seq: number
  readonly kind: 'reading' | 'poison'
  readonly qos: 0 | 1 | 2
  /** True if the event carries `id`, so that repetitions can be recognised. */
  readonly isNamed: boolean
  readonly celsius: number
  /** sent: perhaps somewhere; acknowledged: the device was told that it is safe; refused: that it is not taken. */
  state: 'sent' | 'acknowledged' | 'refused'
}

/** A try of the actor's handler. */
export interface Handling {
  readonly process: number
  readonly key: string
  readonly eventId: string
  readonly data: ReadingData
  readonly attempt: number
  /** Where the event stands in its topic; undefined if nobody has seen it there. */
  readonly partition: number | undefined
  readonly offset: number | undefined
}

/** A commit of the projection that took effect. */
export interface TotalsCommit {
  readonly positions: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: number
  }[]
  /** Documents as they were written; undefined for a deletion. */
  readonly documents: ReadonlyMap<string, unknown>
}

/** A command that a device carried out. */
export interface Execution {
  readonly device: string
  readonly commandId: string
  readonly reading: string
  readonly atMs: number
  readonly deadlineAtMs: number
}

/** All that can be known from outside. Nothing in here was asked of the system under simulation. */
export class Oracle {
  readonly topics = new TopicView()
  readonly dead = new DeadLetterBook(this.topics)
  readonly publications = new Map<string, Publication>()
  /** Ids in the order in which devices were told that they are safe. */
  readonly acknowledged: string[] = []
  readonly handlings: Handling[] = []
  /** Event ids whose handler has returned. */
  readonly handled = new Set<string>()
  readonly commits: TotalsCommit[] = []
  readonly executions: Execution[] = []
  /** Errors that nobody caught. */
  readonly escaped: string[] = []

  publish(publication: Publication): void {
    this.publications.set(publication.id, publication)
  }

  acknowledge(id: string): void {
    const publication = this.publications.get(id)
    if (publication === undefined || publication.state === 'acknowledged') return
    publication.state = 'acknowledged'
    this.acknowledged.push(id)
  }

  refuse(id: string): void {
    const publication = this.publications.get(id)
    if (publication?.state === 'sent') publication.state = 'refused'
  }
}
