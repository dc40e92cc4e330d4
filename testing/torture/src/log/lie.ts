import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Ways to make the torture fail on purpose, to prove that it can: `early` reports appends before they are
 * acknowledged; `damage` overwrites some bytes in the middle of the newest segment, `cut` takes its last frame and
 * `segment` the whole file, between two lives.
 */
export const LIES = ['early', 'damage', 'cut', 'segment'] as const
export type Lie = (typeof LIES)[number]

const DAMAGE_BYTES = 64

/** Tells the lie about the log in `directory`, whose process is dead; false if nothing there can be lied about yet. */
export async function tell(lie: Lie, directory: string): Promise<boolean> {
  if (lie === 'early') return true
  const path = await newestSegment(directory)
  if (path === undefined) return false
  const bytes = await readFile(path)
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1
  if (end < 4 * DAMAGE_BYTES) return false
  if (lie === 'segment') await rm(path)
  else if (lie === 'cut') await writeFile(path, bytes.subarray(0, end - DAMAGE_BYTES))
  else await writeFile(path, bytes.fill(0xff, end >> 1, (end >> 1) + DAMAGE_BYTES))
  return true
}

async function newestSegment(directory: string): Promise<string | undefined> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.seg')).sort()
  const newest = names.at(-1)
  return newest && join(directory, newest)
}
