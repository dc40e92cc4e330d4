import type { Subscription } from '@millrace/bus'
import type { GroupBucket } from './group-bucket.ts'
import type { LiveSessions } from './live-sessions.ts'
import type { NatsLink } from './nats-link.ts'
import type { NatsNames } from './nats-names.ts'
import type { TopicStreams } from './topic-streams.ts'

/** What members of groups need of their bus. */
export interface NatsEngine {
  readonly link: NatsLink
  readonly names: NatsNames
  readonly topics: TopicStreams
  readonly bucket: GroupBucket
  readonly sessions: LiveSessions
  /** Members of this process that are open. */
  readonly members: Set<Subscription>
}
