import {
  errorText,
  formatTime,
  isMillraceError,
  type Runtime,
  throwIfAborted,
  unreachable,
} from '@millrace/kernel'
import { MARK_FILE } from '../directory-layout.ts'
import { encodeSlot, FILE_BYTES, SLOT_DISTANCE_BYTES } from '../durable-mark.ts'
import type { Files } from '../files.ts'
import { writeVersion } from '../format-version.ts'
import { openLog } from '../open-log.ts'
import { createWholeFile } from '../whole-file.ts'
import { RESCUED } from './directory-survey.ts'
import type { Finding } from './finding.ts'
import type { MarkFile } from './mark-file.ts'
import { type PlanOptions, planRepair, type RepairAction, type RepairPlan } from './repair-plan.ts'
import { SurveyFile } from './survey-file.ts'
import { type LogVerification, verifyLog } from './verify-log.ts'

const COPY_BYTES = 1024 * 1024
/** What was done, and why; written before it is done. */
const REPORT_FILE = 'report.json'

/** Options of {@link repairLog}. */
export interface RepairOptions extends PlanOptions {
  readonly runtime: Runtime
  /** Says what would be done, and does nothing. Takes no lock. */
  readonly isDryRun?: boolean
}

/** What a repair did, or would do. */
export interface RepairReport {
  readonly directory: string
  /** In the order in which they were done; empty if there was nothing to do. */
  readonly actions: readonly RepairAction[]
  /** Where files were moved to, inside of the log's directory; undefined if none was. */
  readonly folder: string | undefined
  readonly before: LogVerification
  /** Undefined in a dry run. */
  readonly after: LogVerification | undefined
  /** Why the log still does not open; undefined if it does, or if that was not tried. */
  readonly openFailure: string | undefined
  /** What no repair can bring back: what is lost stays lost, and is named. */
  readonly remaining: readonly Finding[]
}

/**
 * Does what opening the log cannot do by itself, so that it opens and everything in it that can be read is read. Takes
 * the lock. Nothing is removed or overwritten: what is in the way is moved to a new folder `repair-<time>` inside of the
 * directory, beside a report. Then the log is opened once, so that recovery does the rest, and verified.
 *
 * It can be interrupted at any moment, and repeated: no step makes anything worse than it was.
 *
 * @throws DIRECTORY_LOCKED, DIRECTORY_TOO_NEW, DISK_FULL; the reason of `signal`; the file system's own errors
 */
export async function repairLog(options: RepairOptions): Promise<RepairReport> {
  const { directory, isDryRun = false } = options
  if (isDryRun) {
    const { actions, before } = await planRepair(options)
    const remaining = before.findings.filter(({ severity }) => severity === 'loss')
    return {
      directory,
      actions,
      folder: undefined,
      before,
      after: undefined,
      openFailure: undefined,
      remaining,
    }
  }
  const done: RepairAction[] = []
  let folder: string | undefined
  let before: LogVerification | undefined
  {
    await using _lock = await options.files.lock(directory)
    let plan = await planRepair(options)
    before = plan.before
    if (plan.actions.some(({ kind }) => kind === 'finish-rescue')) {
      for (const action of plan.actions) {
        if (action.kind !== 'finish-rescue') continue
        await rename(options.files, directory, action.file, action.to)
        done.push(action)
      }
      plan = await planRepair(options)
    }
    folder = await act(options, plan)
    done.push(...plan.actions)
  }
  if (done.length === 0) {
    const remaining = before.findings.filter(({ severity }) => severity !== 'note')
    return { directory, actions: done, folder, before, after: before, openFailure: undefined, remaining }
  }
  const openFailure = await openOnce(options)
  const after = await verifyLog(options)
  const remaining = after.findings.filter(({ severity }) => severity !== 'note')
  return { directory, actions: done, folder, before, after, openFailure, remaining }
}

/** Does what is planned; answers the folder that was made for what had to be moved. */
async function act(
  options: RepairOptions,
  { actions, survey, before }: RepairPlan,
): Promise<string | undefined> {
  const { files, directory, runtime } = options
  const steps = actions.filter(({ kind }) => kind !== 'settle')
  if (steps.length === 0) return undefined
  const time = formatTime(runtime.clock.now())
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-')
  const folder = freeName(`repair-${time}`, survey.names)
  await files.makeDirectory(`${directory}/${folder}`)
  const report = JSON.stringify({ actions: actions.map(withoutBytes), before: before.findings }, undefined, 2)
  const file = await createWholeFile(files, `${directory}/${folder}`, REPORT_FILE, [
    new TextEncoder().encode(`${report}\n`),
  ])
  await file.close()
  let mark = survey.mark
  for (const action of steps) {
    throwIfAborted(options.signal)
    if (action.kind === 'move-aside' && action.file === MARK_FILE) mark = undefined
    await step(files, directory, folder, mark, action)
  }
  return folder
}

async function step(
  files: Files,
  directory: string,
  folder: string,
  mark: MarkFile | undefined,
  action: RepairAction,
): Promise<void> {
  switch (action.kind) {
    case 'move-aside':
      return moveAside(files, directory, folder, action.file)
    case 'rename':
    case 'finish-rescue':
      return rename(files, directory, action.file, action.to)
    case 'rescue':
      return rescue(files, directory, folder, action.file, action.header)
    case 'raise-mark':
      return raiseMark(files, directory, mark, action.toOffset)
    case 'write-format':
      return writeVersion(files, directory)
    case 'settle':
      return
    default:
      unreachable(action)
  }
}

async function moveAside(files: Files, directory: string, folder: string, name: string): Promise<void> {
  await files.rename(`${directory}/${name}`, `${directory}/${folder}/${name}`)
  await files.syncDirectory(`${directory}/${folder}`)
  await files.syncDirectory(directory)
}

async function rename(files: Files, directory: string, from: string, to: string): Promise<void> {
  await files.rename(`${directory}/${from}`, `${directory}/${to}`)
  await files.syncDirectory(directory)
}

/**
 * The copy is complete and durable before the original moves, and its name is one that nobody touches: whoever repairs
 * after a power cut in between finds it, and finishes.
 */
async function rescue(
  files: Files,
  directory: string,
  folder: string,
  name: string,
  header: Uint8Array | undefined,
): Promise<void> {
  const path = `${directory}/${name}`
  {
    await using source = await files.open(path, 'read')
    await using copy = await files.open(path + RESCUED, 'create')
    await using survey = new SurveyFile(source)
    const size = await source.size()
    for (let position = 0; position < size; position += COPY_BYTES) {
      const bytes = new Uint8Array(Math.min(COPY_BYTES, size - position))
      await survey.read(bytes, position)
      if (position === 0 && header !== undefined) bytes.set(header)
      await copy.write([bytes], position)
    }
    await copy.sync()
  }
  await files.syncDirectory(directory)
  await moveAside(files, directory, folder, name)
  await rename(files, directory, name + RESCUED, name)
}

/** Writes the slot that is not the newest, as the log does, or a new file if there is none. */
async function raiseMark(files: Files, directory: string, mark: MarkFile | undefined, offset: number) {
  const generation = (mark?.newest?.generation ?? 0) + 1
  const reserved = Math.max(offset, mark?.newest?.reserved ?? 0)
  const slot = encodeSlot({ generation, offset, reserved, place: undefined })
  const position = (generation % 2) * SLOT_DISTANCE_BYTES
  if (mark === undefined) {
    const bytes = new Uint8Array(FILE_BYTES)
    bytes.set(slot, position)
    const made = await createWholeFile(files, directory, MARK_FILE, [bytes])
    return made.close()
  }
  await using file = await files.open(`${directory}/${MARK_FILE}`, 'write')
  await file.write([slot], position)
  await file.sync()
}

async function openOnce({ files, directory, runtime }: RepairOptions): Promise<string | undefined> {
  try {
    const log = await openLog({ files, directory, runtime })
    await log.close()
    return undefined
  } catch (error) {
    if (isMillraceError(error)) throw error
    return errorText(error)
  }
}

function freeName(name: string, names: readonly string[]): string {
  let candidate = name
  for (let number = 2; names.includes(candidate); number += 1) candidate = `${name}-${number}`
  return candidate
}

function withoutBytes(action: RepairAction): object {
  return action.kind === 'rescue' ? { ...action, header: action.header !== undefined } : action
}
