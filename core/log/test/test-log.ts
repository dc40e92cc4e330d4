import { type ManualRuntime, manualRuntime } from '@millrace/kernel'
import { type Log, type LogOptions, type NewRecord, openLog } from '@millrace/log'
import type { MemoryFiles } from '@millrace/memory'

export const DIRECTORY = 'log'

/** A log with small segments on `files`; every call has a runtime of its own unless one is given. */
export function openTestLog(files: MemoryFiles, options: Partial<LogOptions> = {}): Promise<Log> {
  const runtime: ManualRuntime = manualRuntime()
  return openLog({ files, directory: DIRECTORY, runtime, segmentBytesMax: 4096, ...options })
}

export function record(value: string, timestampMs?: number): NewRecord {
  const bytes = new TextEncoder().encode(value)
  return timestampMs === undefined ? { value: bytes } : { value: bytes, timestampMs }
}

/** Records that fill about `bytes` each, so that tests can fill segments. */
export function large(name: string, bytes = 1000): NewRecord {
  return record(name.padEnd(bytes, '.'))
}

/** `offset:value` of every record that can be read from `offset` on, read in small pieces. */
export async function contents(log: Log, offset = log.startOffset): Promise<string[]> {
  const found: string[] = []
  for (let next = offset; ; ) {
    const records = await log.read(next, { bytesMax: 3000 })
    const last = records.at(-1)
    if (last === undefined) return found
    for (const { offset, value } of records)
      found.push(`${offset}:${new TextDecoder().decode(value).replace(/\.+$/, '')}`)
    next = last.offset + 1
  }
}

/** Names of the segment files, in order. */
export async function segmentNames(files: MemoryFiles): Promise<string[]> {
  return (await files.list(DIRECTORY)).filter((name) => name.endsWith('.seg')).sort()
}

/** The path of the segment that begins with `baseOffset`. */
export function segmentPath(baseOffset: number): string {
  return `${DIRECTORY}/${String(baseOffset).padStart(20, '0')}.seg`
}

/** Where `text` stands in a file. */
export function positionOf(files: MemoryFiles, path: string, text: string): number {
  const position = new TextDecoder('latin1').decode(files.contents(path)).indexOf(text)
  if (position < 0) throw new RangeError(`"${text}" is not in ${path}`)
  return position
}
