import { type ChildProcess, fork, spawn } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * `npm start`: builds the console if it is missing or old, runs the greenhouse, and lets forty simulated benches connect
 * to it over MQTT. Ctrl-C stops all of it cleanly.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const EXAMPLE = join(ROOT, 'examples', 'greenhouse')
const DATA = process.env.MILLRACE_DATA ?? join(ROOT, '.millrace')
const CONSOLE = join(ROOT, 'apps', 'console')

await buildConsole()
process.exitCode = await runGreenhouse()

/** The build takes a few seconds once; after that only a change in the console's source repeats it. */
async function buildConsole(): Promise<void> {
  const built = join(CONSOLE, 'dist', 'site', 'index.html')
  const sources = globSync(['src/**/*', 'public/**/*', 'index.html', 'package.json', 'vite.config.ts'], {
    cwd: CONSOLE,
  })
  const newestMs = Math.max(...sources.map((file) => statSync(join(CONSOLE, file)).mtimeMs))
  if (existsSync(built) && statSync(built).mtimeMs >= newestMs) return
  const startedMs = Date.now()
  process.stdout.write('building the console (once) … ')
  const vite = fileURLToPath(new URL('bin/vite.js', import.meta.resolve('vite/package.json')))
  const build = spawn(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: CONSOLE,
    stdio: 'inherit',
  })
  const code = await exitOf(build)
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1)
  process.stdout.write(code === 0 ? `${seconds} s\n` : 'failed; the API works without it\n')
}

/** Resolves with the server's exit code when server and benches have ended. */
async function runGreenhouse(): Promise<number> {
  // The benches wait for this file; one that a crash left behind would send them to yesterday's port.
  await rm(join(DATA, 'server.json'), { force: true })
  const millrace = join(ROOT, 'apps', 'cli', 'bin', 'millrace.js')
  const words = ['dev', join(EXAMPLE, 'app.ts'), '--data', DATA, ...process.argv.slice(2)]
  const server = fork(millrace, words, { stdio: 'inherit' })
  const benches = fork(join(EXAMPLE, 'src', 'benches.ts'), ['--data', DATA], { stdio: 'inherit' })
  // A terminal sends Ctrl-C to all of us; other senders reach only this process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      benches.kill(signal)
      server.kill(signal)
    })
  }
  const code = await exitOf(server)
  benches.kill('SIGTERM')
  await exitOf(benches)
  return code
}

function exitOf(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode ?? 0)
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 0)))
}
