import { readSync, writeSync } from 'node:fs'
import { errorText } from '@millrace/kernel'
import { reportLine } from './report-line.ts'

/** What it says when its code is loaded. */
export const READY = 'ready\n'

/** Something was refused or thrown that should not have been. */
export interface FailedReport {
  readonly kind: 'failed'
  readonly what: string
}

/** It has stopped working, and closes now; it has closed. */
export interface ClosingReport {
  readonly kind: 'closing' | 'closed'
}

/** How a program of the torture says what is so; written synchronously, so that whatever it has said arrives. */
export function reporter<Some extends { readonly kind: string }>(): (
  ...reports: readonly (Some | FailedReport | ClosingReport)[]
) => void {
  return (...reports) => {
    if (reports.length > 0) writeAll(new TextEncoder().encode(reports.map(reportLine).join('')))
  }
}

const PAUSE_MS = 1

/** Whoever reads may be busy, and the pipe full: then it takes a part of the bytes, or none. */
function writeAll(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    }
  }
}

/**
 * The frame of a program that is started ahead: it says that it is ready when its code is loaded, waits for its plan
 * without touching any file, and then lives by it.
 */
export async function liveByPlan<Plan>(live: (plan: Plan) => Promise<void>): Promise<void> {
  writeSync(1, READY)
  // A library that waits for something need not keep the process alive; here it is to live until it dies.
  const alive = setInterval(() => {}, 1000)
  try {
    await live(readPlan<Plan>())
  } catch (error) {
    reporter<FailedReport>()({ kind: 'failed', what: errorText(error) })
    // With its stack, for whoever looks for the cause.
    console.error(error)
    process.exitCode = 1
  } finally {
    clearInterval(alive)
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
