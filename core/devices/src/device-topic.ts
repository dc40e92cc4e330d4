/** What a topic under a device's own name means when the device publishes to it. */
export type DeviceTopic =
  | { readonly kind: 'event'; readonly type: string }
  | { readonly kind: 'outcome'; readonly commandId: string }
  | { readonly kind: 'own' }
  | { readonly kind: 'forbidden' }

const FORBIDDEN = { kind: 'forbidden' } as const
const OWN = { kind: 'own' } as const

/** Reads a topic name that `device` publishes to. */
export function deviceTopic(device: string, topic: string): DeviceTopic {
  const prefix = ownPrefix(device)
  if (!topic.startsWith(prefix) || topic.length === prefix.length) return FORBIDDEN
  const rest = topic.slice(prefix.length)
  if (rest.startsWith('events/')) return { kind: 'event', type: rest.slice('events/'.length) }
  if (rest.startsWith('outcomes/')) return { kind: 'outcome', commandId: rest.slice('outcomes/'.length) }
  // Commands come from the backbone only; a device that could write there could forge them for itself.
  return rest === 'commands' || rest.startsWith('commands/') ? FORBIDDEN : OWN
}

/** True if a subscription to `filter` can only ever match topics of `device`: its own name stands there in letters. */
export function isOwnFilter(device: string, filter: string): boolean {
  const prefix = ownPrefix(device)
  return filter.startsWith(prefix) && filter.length > prefix.length
}

/** Where a command of this name is delivered. */
export function commandTopic(device: string, name: string): string {
  return `devices/${device}/commands/${name}`
}

/** Where the device says how a command went. */
export function outcomeTopic(device: string, commandId: string): string {
  return `devices/${device}/outcomes/${commandId}`
}

function ownPrefix(device: string): string {
  return `devices/${device}/`
}
