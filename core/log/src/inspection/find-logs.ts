import { throwIfAborted } from '@millrace/kernel'
import { FORMAT_FILE, MARK_FILE } from '../directory-layout.ts'
import type { SurveyOptions } from './directory-survey.ts'

/** How far below the given directory logs are looked for. */
const DEPTH_MAX = 8
/** What only the directory of a log has. */
const SEGMENT = /^\d{20}\.seg(\.|$)/

/**
 * The directories of logs: `directory` itself if it is one, else all below it, in the order of their names. A log has a
 * segment, a format file or a mark. Nothing inside of a log is looked at.
 */
export async function findLogs({ files, directory, signal }: SurveyOptions): Promise<string[]> {
  const found: string[] = []
  const visit = async (path: string, depth: number): Promise<void> => {
    throwIfAborted(signal)
    const names = await listOf(path)
    if (isLog(names)) {
      found.push(path)
      return
    }
    if (depth >= DEPTH_MAX) return
    for (const name of [...names].sort(byNumberThenName)) await visit(`${path}/${name}`, depth + 1)
  }
  const listOf = async (path: string): Promise<readonly string[]> => {
    try {
      return await files.list(path)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return []
      throw error
    }
  }
  await visit(directory, 0)
  return found
}

function isLog(names: readonly string[]): boolean {
  return names.some((name) => SEGMENT.test(name)) || names.includes(FORMAT_FILE) || names.includes(MARK_FILE)
}

/** Partition 10 comes behind partition 9. */
function byNumberThenName(left: string, right: string): number {
  const difference = Number(left) - Number(right)
  if (!Number.isNaN(difference) && difference !== 0) return difference
  return left < right ? -1 : left > right ? 1 : 0
}
