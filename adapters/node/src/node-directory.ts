import { basename, dirname, resolve } from 'node:path'
import type { Runtime } from '@millrace/kernel'
import type { Files } from '@millrace/log'
import { nodeFiles } from './node-files.ts'
import { nodeRuntime } from './node-runtime.ts'

/** What a log or a queue needs of this machine: a directory, and time, timers and chance. */
export interface NodeDirectory {
  readonly files: Files
  readonly directory: string
  readonly runtime: Runtime
}

/**
 * The directory at `path`, which is made when something is opened in it. A relative path goes from the working directory
 * of now. The process lives as long as something in it waits for a time: a reader for the next writer, a delayed item for
 * its hour; closing what was opened ends that.
 *
 * @example
 * const log = await openLog({ ...nodeDirectory('data/orders'), retention: { ageMsMax: 86_400_000 } })
 */
export function nodeDirectory(path: string): NodeDirectory {
  const whole = resolve(path)
  const runtime = nodeRuntime({ timersHoldProcess: true })
  return { files: nodeFiles(dirname(whole)), directory: basename(whole), runtime }
}
