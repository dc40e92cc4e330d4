import { type ChildProcess, fork } from 'node:child_process'
import { watch } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { style, terminalOutput } from '../output.ts'
import type { SetExitCode } from './api-options.ts'
import { DEV_VARIABLE, withStartOptions } from './start.ts'

/** Changes within this time are one change, in milliseconds. */
const SETTLE_MS = 150
const WATCHED = /\.(ts|mts|js|mjs|json|scc)$/
const IGNORED = /(^|[\\/])(node_modules|dist|\.[^\\/]+)([\\/]|$)/

/** `millrace dev app.ts`: `start` in a process of its own, restarted when a file beside the application changes. */
export function addDevCommand(program: Command, setExitCode: SetExitCode): void {
  const command = withStartOptions(
    program.command('dev').description('Run an application and restart it when its files change.'),
  )
  command.addHelpText(
    'after',
    '\nA port that is taken is replaced by a free one.\n\nExample:\n  millrace dev app.ts',
  )
  command.action(async (file: string) =>
    setExitCode(await develop(file, process.argv.slice(process.argv.indexOf('dev') + 1))),
  )
}

/** Runs until Ctrl-C; resolves with the exit code. */
async function develop(file: string, words: readonly string[]): Promise<number> {
  const output = terminalOutput(false)
  const session = { child: undefined as ChildProcess | undefined, stopping: false, changed: true }
  let wake = () => {}
  const stop = () => {
    session.stopping = true
    session.child?.kill('SIGTERM')
    wake()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  const watcher = watchFiles(dirname(resolve(file)), (name) => {
    output.line(style('dim', `${name} changed: restarting`))
    session.changed = true
    session.child?.kill('SIGTERM')
    wake()
  })
  while (!session.stopping) {
    session.changed = false
    session.child = startChild(words)
    await new Promise((ended) => session.child?.once('exit', ended))
    // The application ended by itself, most likely because it does not compile: wait for the next change.
    if (!session.stopping && !session.changed) {
      output.line(style('dim', 'waiting for a change …'))
      await new Promise<void>((resume) => {
        wake = resume
      })
    }
  }
  watcher.close()
  return 0
}

function startChild(words: readonly string[]): ChildProcess {
  const millrace = fileURLToPath(new URL('../../bin/millrace.js', import.meta.url))
  const env = { ...process.env, [DEV_VARIABLE]: '1' }
  return fork(millrace, ['start', ...words], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

function watchFiles(directory: string, changed: (name: string) => void) {
  let timer: NodeJS.Timeout | undefined
  return watch(directory, { recursive: true }, (_kind, name) => {
    if (name === null || !WATCHED.test(name) || IGNORED.test(name)) return
    clearTimeout(timer)
    timer = setTimeout(() => changed(name), SETTLE_MS)
  })
}
