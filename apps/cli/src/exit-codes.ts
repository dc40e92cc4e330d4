import { isMillraceError } from '@millrace/kernel'

/** What the command's exit tells a script. Stable: documented in docs/reference/cli.md. */
export const EXIT = {
  ok: 0,
  /** Something failed; trying the same again without changing anything will not help. */
  failed: 1,
  /** The command line or a setting is wrong. */
  usage: 2,
  /** No server answers, or it is not ready; trying again may help. */
  unavailable: 3,
  /** The command reached the device but did not end in "done". */
  notDone: 4,
  /** A log is damaged, or something in it is lost. */
  damaged: 5,
  /** There is no log where one was looked for. */
  noLog: 6,
  /** The database does not hold all that an application declares. */
  schemaDiffers: 7,
  /** Stopped by Ctrl-C or a signal before it was done: 128 and the number of SIGINT, as shells have it. */
  interrupted: 130,
} as const

/** The exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (!isMillraceError(error)) return EXIT.failed
  if (error.code === 'CONFIGURATION_INVALID') return EXIT.usage
  if (error.code === 'LOG_NOT_FOUND') return EXIT.noLog
  return error.retryable ? EXIT.unavailable : EXIT.failed
}
