import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutsideRecord } from './outside-record.ts'

/**
 * Ways to make the torture fail on purpose, to prove that it can: `unsent` records an acknowledgement of a reading
 * that no device sent; `segment` deletes the newest segment of the reading topic while the server is dead.
 */
export const LIES = ['unsent', 'segment'] as const
export type Lie = (typeof LIES)[number]

/** Tells the lie. To be called while the server is dead. */
export async function tell(lie: Lie, record: OutsideRecord, dataDirectory: string): Promise<void> {
  if (lie === 'unsent') {
    const device = 'tortured-0'
    const number = 1_000_000
    record.acknowledged.push({ device, number, id: `${device}-${number}`, atMs: Date.now() })
    return
  }
  const names = await readdir(dataDirectory, { recursive: true })
  const segments = names.filter((name) => /torture\.reading\/0\/\d+\.seg$/.test(name)).sort()
  const newest = segments.at(-1)
  if (newest !== undefined) await rm(join(dataDirectory, newest))
}
