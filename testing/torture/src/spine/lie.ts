import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { OutsideRecord } from './outside-record.ts'

/**
 * Ways to make the torture fail on purpose, to prove that it can: `unsent` records an acknowledgement of a reading
 * that no device sent; `damage` overwrites some bytes in the middle of the reading topic's newest segment, and
 * `segment` deletes it.
 */
export const LIES = ['unsent', 'damage', 'segment'] as const
export type Lie = (typeof LIES)[number]

const DAMAGE_BYTES = 64

/** Tells the lie. To be called while the server is dead. */
export async function tell(lie: Lie, record: OutsideRecord, dataDirectory: string): Promise<void> {
  if (lie === 'unsent') {
    const device = 'tortured-0'
    const number = 1_000_000
    record.acknowledged.push({ device, number, id: `${device}-${number}`, atMs: Date.now() })
    return
  }
  const path = join(dataDirectory, await newestSegment(dataDirectory))
  if (lie === 'segment') {
    await rm(path)
    return
  }
  const bytes = await readFile(path)
  const end = bytes.findLastIndex((byte) => byte !== 0)
  const middle = Math.floor(end / 2)
  await writeFile(path, bytes.fill(0xff, middle, middle + DAMAGE_BYTES))
}

async function newestSegment(dataDirectory: string): Promise<string> {
  const names = await readdir(dataDirectory, { recursive: true })
  const segments = names.filter((name) => /torture\.reading\/0\/\d+\.seg$/.test(name)).sort()
  const newest = segments.at(-1)
  if (newest === undefined) throw new Error(`there is no segment of torture.reading below ${dataDirectory}`)
  return newest
}
