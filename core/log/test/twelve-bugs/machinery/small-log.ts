import assert from 'node:assert/strict'
import { type ManualRuntime, manualRuntime, settle } from '@millrace/kernel'
import {
  type AppendResult,
  followLog,
  type Log,
  type LogOptions,
  type NewRecord,
  openLog,
} from '@millrace/log'
import { type CrashStates, type MemoryFiles, memoryFiles } from '@millrace/memory'

export const DIRECTORY = 'log'
/** The smallest segments that there are. */
export const SEGMENT_BYTES = 4096

/** An error that should not have come is a failed assertion, so that a mutation that causes it is seen to be red. */
export async function does<Result>(what: string, promise: Promise<Result>): Promise<Result> {
  try {
    return await promise
  } catch (error) {
    return assert.fail(`${what}: ${error instanceof Error ? error.stack : error}`)
  }
}

/** Opens the log with small segments, each time with a clock of its own unless one is given. */
export function opened(files: MemoryFiles, options: Partial<LogOptions> = {}): Promise<Log> {
  const runtime: ManualRuntime = manualRuntime()
  const all = { files, directory: DIRECTORY, runtime, segmentBytesMax: SEGMENT_BYTES, ...options }
  return does('the log opens', openLog(all))
}

export function appended(log: Log, ...values: readonly NewRecord[]): Promise<AppendResult> {
  return does('the append is acknowledged', log.append(values))
}

export function record(value: string, timestampMs?: number): NewRecord {
  const bytes = new TextEncoder().encode(value)
  return timestampMs === undefined ? { value: bytes } : { value: bytes, timestampMs }
}

/** A record of about `bytes`, so that segments fill. */
export function large(name: string, bytes = 1000): NewRecord {
  return record(name.padEnd(bytes, '.'))
}

/** `offset:value` of all that can be read, without what filled it. */
export async function contents(log: Log): Promise<string[]> {
  const found: string[] = []
  for (let next = log.startOffset; ; ) {
    const records = await does('the log is read', log.read(next, { bytesMax: 3000 }))
    const last = records.at(-1)
    if (last === undefined) return found
    for (const { offset, value } of records)
      found.push(`${offset}:${new TextDecoder().decode(value).replace(/\.+$/, '')}`)
    next = last.offset + 1
  }
}

/** The same, as a follower gets it that starts at `offset` and is told to stop when there is nothing more. */
export async function followed(log: Log, offset = log.startOffset): Promise<string[]> {
  const stop = new AbortController()
  const found: string[] = []
  const following = (async () => {
    for await (const records of followLog(log, offset, stop.signal, { bytesMax: 3000 }))
      for (const { offset: at, value } of records)
        found.push(`${at}:${new TextDecoder().decode(value).replace(/\.+$/, '')}`)
  })()
  for (let turn = 0; turn < 20; turn += 1) await settle()
  stop.abort()
  await does('the follower ends when it is told to', following)
  return found
}

/** Offsets that the log names as lost. */
export function named(log: Log): number[] {
  return log.gaps.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index))
}

export async function names(files: MemoryFiles): Promise<string[]> {
  return [...(await files.list(DIRECTORY))].sort()
}

export function segmentPath(baseOffset: number): string {
  return `${DIRECTORY}/${String(baseOffset).padStart(20, '0')}.seg`
}

/** Paths of the segments, in order. */
export async function segmentPaths(files: MemoryFiles): Promise<string[]> {
  return (await names(files)).filter((name) => name.endsWith('.seg')).map((name) => `${DIRECTORY}/${name}`)
}

/** Where `text` stands in a file. */
export function positionOf(files: MemoryFiles, path: string, text: string): number {
  const position = new TextDecoder('latin1').decode(files.contents(path)).indexOf(text)
  assert.ok(position >= 0, `"${text}" is in ${path}`)
  return position
}

/** Overwrites bytes, and makes that durable. */
export async function overwrite(
  files: MemoryFiles,
  path: string,
  position: number,
  bytes: Uint8Array,
): Promise<void> {
  await using file = await files.open(path, 'write')
  await file.write([bytes], position)
  await file.sync()
}

/** Cuts a file, and makes that durable. */
export async function cut(files: MemoryFiles, path: string, size: number): Promise<void> {
  await using file = await files.open(path, 'write')
  await file.truncate(size)
  await file.sync()
}

/** Makes a file with these contents; durable. */
export async function put(files: MemoryFiles, path: string, bytes: Uint8Array): Promise<void> {
  await files.remove(path)
  await using file = await files.open(path, 'create')
  await file.write([bytes], 0)
  await file.sync()
  await files.syncDirectory(path.slice(0, path.lastIndexOf('/')))
}

/** A closed log of `count` records `r0`, `r1` … of about a thousand bytes: three fill a segment. */
export async function closedLog(count: number, options: Partial<LogOptions> = {}): Promise<MemoryFiles> {
  const files = memoryFiles()
  const log = await opened(files, options)
  for (let index = 0; index < count; index += 1) await appended(log, large(`r${index}`))
  await log.close()
  return files
}

/** `0:r0`, `1:r1` … without the offsets that are left out. */
export function numbered(count: number, ...without: readonly number[]): string[] {
  return Array.from({ length: count }, (_, index) => index)
    .filter((index) => !without.includes(index))
    .map((index) => `${index}:r${index}`)
}

/** A moment of a disk under way, between two steps of one of its calls. */
export interface Moment<Facts> {
  readonly place: string
  /** What was known outside at that moment. */
  readonly facts: Facts
  readonly killed: MemoryFiles
  /** Without power: what the moment can leave. */
  readonly powerless: CrashStates
}

/** Lets `live` work on an empty disk, and stops the world at every moment of every call. */
export async function everyMoment<Facts>(
  live: (files: MemoryFiles) => Promise<void>,
  facts: () => Facts,
): Promise<readonly Moment<Facts>[]> {
  const files = memoryFiles()
  const moments: Moment<Facts>[] = []
  files.onCall = ({ number, operation, path, moment }) => {
    if (operation === 'read' || operation === 'list') return
    const place = `call ${number}, ${operation} ${path}, ${moment}`
    moments.push({ place, facts: facts(), killed: files.afterKill(), powerless: files.crashStates() })
  }
  await live(files)
  return moments
}
