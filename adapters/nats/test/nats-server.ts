import { type FoundServer, findServers, isAtLeast, NATS_DURABLE, services } from '@millrace/services'

/** Every nats-server that is installed here, the newest first; a machine without one is told so by `npm test`. */
export const natsServers: readonly FoundServer[] = findServers(services.nats)

/** The newest that can sync before it acknowledges. */
export const durableServer: FoundServer | undefined = natsServers.find(({ version }) =>
  isAtLeast(version, NATS_DURABLE),
)

export function versionText({ version }: FoundServer): string {
  return version.join('.')
}

/** A server's time is not ours: what it is given to do needs a moment, too. */
export function passTime(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs + 20))
}
