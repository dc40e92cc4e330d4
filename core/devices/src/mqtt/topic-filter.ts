/** The longest topic or filter, in UTF-16 units; MQTT would allow 65,535 bytes. */
const TOPIC_LENGTH_MAX = 1024

/** True for a name one may publish to. Source: MQTT 5, section 4.7.3; no wildcards: [MQTT-3.3.2-2]. */
export function isTopicName(topic: string): boolean {
  return topic !== '' && topic.length <= TOPIC_LENGTH_MAX && !/[#+\0]/.test(topic)
}

/** True for a filter one may subscribe to. Source: MQTT 5, section 4.7.1: a wildcard fills its level, "#" is last. */
export function isTopicFilter(filter: string): boolean {
  if (filter === '' || filter.length > TOPIC_LENGTH_MAX || filter.includes('\0')) return false
  const levels = filter.split('/')
  return levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1
    return level === '+' || !/[#+]/.test(level)
  })
}

/**
 * True if a message to `topic` goes to a subscription to `filter`. "#" also matches the level above it.
 * Source: MQTT 5, sections 4.7.1.2 and 4.7.1.3; topics that begin with "$": [MQTT-4.7.2-1].
 */
export function filterMatches(filter: string, topic: string): boolean {
  if (filter === topic) return true
  if (topic.startsWith('$') && /^[#+]/.test(filter)) return false
  const levels = topic.split('/')
  const wanted = filter.split('/')
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index >= levels.length) return false
    if (level !== '+' && level !== levels[index]) return false
  }
  return wanted.length === levels.length
}
