/**
 * What things of a bus are called on the server. A topic's name may have dots, which NATS gives a meaning: they become
 * "=", which no topic's name has. Subjects with "$" behind the prefix are no topic's.
 */
export class NatsNames {
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = prefix
  }

  stream(topic: string): string {
    return `${this.prefix}-${tokenOf(topic)}`
  }

  /** Undefined for a stream of somebody else. */
  topicOf(stream: string): string | undefined {
    const begin = `${this.prefix}-`
    return stream.startsWith(begin) ? stream.slice(begin.length).replaceAll('=', '.') : undefined
  }

  subject(topic: string, partition: number): string {
    return `${this.prefix}.${tokenOf(topic)}.${partition}`
  }

  /** Every partition of a topic. */
  subjects(topic: string): string {
    return `${this.prefix}.${tokenOf(topic)}.*`
  }

  /** The bucket of groups. Its stream is called `KV_` and this. */
  get groupBucket(): string {
    return `${this.prefix}-groups`
  }

  groupKey(group: string): string {
    return `group.${groupToken(group)}`
  }

  positionKey(group: string, topic: string, partition: number): string {
    return `position.${groupToken(group)}.${tokenOf(topic)}.${partition}`
  }

  /** The group, topic and partition of a {@link positionKey}. */
  positionOf(key: string): { group: string; topic: string; partition: number } | undefined {
    const [kind, group, topic, partition] = key.split('.')
    if (kind !== 'position' || group === undefined || topic === undefined) return undefined
    return { group: groupOf(group), topic: topic.replaceAll('=', '.'), partition: Number(partition) }
  }

  groupOfKey(key: string): string | undefined {
    const [kind, group] = key.split('.')
    return kind === 'group' && group !== undefined ? groupOf(group) : undefined
  }

  /** Where members hear that their group has changed. */
  groupNews(group: string): string {
    return `${this.prefix}.$group.${groupToken(group)}`
  }

  /** Where a process answers that it lives. */
  session(id: string): string {
    return `${this.prefix}.$session.${id}`
  }
}

function tokenOf(topic: string): string {
  return topic.replaceAll('.', '=')
}

function groupToken(group: string): string {
  return Buffer.from(group).toString('base64url')
}

function groupOf(token: string): string {
  return Buffer.from(token, 'base64url').toString()
}
