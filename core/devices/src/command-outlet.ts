import type { CommandDraft } from '@millrace/kernel'
import type { Devices } from './devices.ts'

/**
 * The device tier as the place where actors put their commands. Resolves when all are durable; a command id that was
 * taken before is taken once only.
 *
 * All are tried; the first error is thrown then, so a repeated delivery repeats only what was not taken.
 */
export function commandOutlet(devices: Pick<Devices, 'send'>) {
  return {
    async send(commands: readonly { readonly id: string; readonly draft: CommandDraft }[]): Promise<void> {
      const results = await Promise.allSettled(commands.map(({ id, draft }) => devices.send(draft, { id })))
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
  }
}
