import { readSync, writeSync } from 'node:fs'
import { errorText } from '@millrace/kernel'
import { type LifeReport, reportLine } from './life-report.ts'

/** What it says when its code is loaded. */
export const READY = 'ready\n'

/** Written synchronously: whatever a process has said before it dies arrives. */
export function report(...reports: readonly LifeReport[]): void {
  if (reports.length > 0) writeSync(1, reports.map(reportLine).join(''))
}

/**
 * The frame of a program that is started ahead: it says that it is ready when its code is loaded, waits for its plan
 * without touching any file, and then lives by it.
 */
export async function liveByPlan<Plan>(live: (plan: Plan) => Promise<void>): Promise<void> {
  writeSync(1, READY)
  try {
    await live(readPlan<Plan>())
  } catch (error) {
    report({ kind: 'failed', what: errorText(error) })
    process.exitCode = 1
  }
}

function readPlan<Plan>(): Plan {
  const bytes = new Uint8Array(4096)
  let length = 0
  while (!bytes.subarray(0, length).includes(0x0a)) {
    const count = readSync(0, bytes, length, bytes.length - length, null)
    if (count === 0) process.exit(0)
    length += count
  }
  return JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))) as Plan
}
