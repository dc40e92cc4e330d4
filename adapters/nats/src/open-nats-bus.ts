import type { Subscription } from '@millrace/bus'
import { GroupBucket } from './group-bucket.ts'
import { LiveSessions } from './live-sessions.ts'
import { NatsBus } from './nats-bus.ts'
import { NatsLink } from './nats-link.ts'
import { NatsNames } from './nats-names.ts'
import { type NatsBusOptions, settingsOf } from './nats-options.ts'
import { PublishLink } from './publish-link.ts'
import { checkServer } from './server-check.ts'
import { TopicStreams } from './topic-streams.ts'

/**
 * Connects to a NATS server with JetStream, checks what its settings mean, and opens the bus on it. What can be lost is
 * in `findings`, and `supports.durable` follows from it.
 *
 * @throws CONFIGURATION_INVALID, BUS_UNREACHABLE, BUS_SERVER_UNFIT (no JetStream, or a version before 2.9)
 */
export async function openNatsBus(options: NatsBusOptions): Promise<NatsBus> {
  const settings = settingsOf(options)
  const names = new NatsNames(settings.prefix)
  const link = await NatsLink.open(settings)
  try {
    const topics = new TopicStreams(link, names)
    const findings = await checkServer(settings, link.info, await topics.streams())
    const bucket = await GroupBucket.open(link, names)
    const sessions = new LiveSessions(link, names)
    const engine = { link, names, topics, bucket, sessions, members: new Set<Subscription>() }
    return new NatsBus(engine, new PublishLink(settings), findings)
  } catch (error) {
    await link.close()
    throw error
  }
}
