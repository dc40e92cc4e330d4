import type { AnnouncementListener, Announcer, Listening } from '@millrace/log'

/** Who announces for which directory, and who listens. What is said arrives in the turn in which it was said. */
export class MemoryAnnouncements {
  readonly #channels = new Map<string, Channel>()

  announce(directory: string): Announcer {
    const channel = this.#channelOf(directory)
    channel.endAnnouncer()
    const announcer: Announcer = {
      say: (state) => {
        if (channel.announcer === announcer) channel.say(state.slice())
      },
      close: async () => {
        if (channel.announcer === announcer) channel.endAnnouncer()
      },
      [Symbol.asyncDispose]: () => announcer.close(),
    }
    channel.announcer = announcer
    return announcer
  }

  listen(directory: string, listener: AnnouncementListener): Listening {
    const { listeners, state } = this.#channelOf(directory)
    listeners.add(listener)
    if (state !== undefined) listener.said(state)
    return { close: () => void listeners.delete(listener) }
  }

  #channelOf(directory: string): Channel {
    const channel = this.#channels.get(directory) ?? new Channel()
    this.#channels.set(directory, channel)
    return channel
  }
}

class Channel {
  readonly listeners = new Set<AnnouncementListener>()
  announcer: Announcer | undefined
  state: Uint8Array | undefined

  say(state: Uint8Array): void {
    this.state = state
    for (const listener of [...this.listeners]) listener.said(state)
  }

  endAnnouncer(): void {
    const hadSpoken = this.state !== undefined
    this.announcer = undefined
    this.state = undefined
    if (hadSpoken) for (const listener of [...this.listeners]) listener.fellSilent()
  }
}
