import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { ChildProgram } from '../child-program.ts'
import { type ContenderPlan, siblingPath } from './contender.ts'

const PROGRAMS = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/opt/homebrew/sbin/mosquitto']

/**
 * What every variant sets in Mosquitto's favour: no Nagle delay, and no limits on what may be in flight or queued, at
 * which it would drop messages without a word.
 */
const FAVOURS = ['set_tcp_nodelay true', 'max_inflight_messages 0', 'max_queued_messages 0']

const PERSISTENCE = {
  'in memory': ['persistence false'],
  'saved on every change': ['persistence true', 'autosave_on_changes true', 'autosave_interval 1'],
} as const

/** The modes of rule.ts. */
const COMMITS = {
  each: 'one INSERT committed a reading',
  together: 'readings that arrived together in one transaction, acknowledged before it',
  all: 'as before, and command, outcome and a document a device kept too, as we do',
} as const

/** Mosquitto's default first, with every rule; its most careful setting with the rules that keep least. */
const VARIANTS = [
  ['in memory', 'each'],
  ['in memory', 'together'],
  ['in memory', 'all'],
  ['saved on every change', 'each'],
  ['saved on every change', 'together'],
] as const

/** Where Mosquitto is installed; undefined if it is not. */
export function findMosquitto(): string | undefined {
  return PROGRAMS.find((path) => existsSync(path))
}

/** Mosquitto with a rule process on mqtt.js and SQLite, in several combinations of what each can promise. */
export function mosquittoPlans(program: string): ContenderPlan[] {
  return VARIANTS.map(([persistence, commit]) => {
    const rule = `SQLite WAL synchronous=FULL, ${COMMITS[commit]}`
    return {
      name: `mosquitto ${persistence}, rule commits ${commit}`,
      settings: [...PERSISTENCE[persistence], ...FAVOURS, rule].join('; '),
      start: (directory: string) => startMosquitto(program, directory, PERSISTENCE[persistence], commit),
    }
  })
}

async function startMosquitto(
  program: string,
  directory: string,
  persistence: readonly string[],
  commit: keyof typeof COMMITS,
) {
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const configuration = join(directory, 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    `persistence_location ${directory}/`,
    ...persistence,
    ...FAVOURS,
  ]
  await using opening = new AsyncDisposableStack()
  // Started by root it would become the user "mosquitto", who may not write here.
  const user = process.getuid?.() === 0 ? ['user root'] : []
  await writeFile(configuration, `${[...lines, ...user].join('\n')}\n`)
  const broker = opening.use(ChildProgram.start(program, ['-c', configuration]))
  await broker.ready((said) => (/mosquitto version .* running/.test(String(said)) ? true : undefined))
  const url = `mqtt://127.0.0.1:${port}`
  const args = [url, join(directory, 'rule.db'), commit]
  const rule = opening.use(ChildProgram.startModule(siblingPath('rule.ts'), args))
  await rule.ready((said) => (said === 'ready' ? true : undefined))
  const closing = opening.move()
  return {
    url,
    pids: [broker.pid, rule.pid],
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
