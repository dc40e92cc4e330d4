import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { findServers, services, startTestServer, type TestServer } from '@millrace/services'
import type { Figure, RunContext } from '../figure.ts'
import { peerVersion } from '../log/stores/peer-packages.ts'
import { describeMachine } from '../machine.ts'
import { Contender } from './contender.ts'
import { benchMemory } from './memory-case.ts'
import type { Engine, StoreBenchOptions } from './options.ts'
import { storePlans } from './plans/store-plans.ts'
import { databaseOf } from './postgres-databases.ts'
import { benchProjection } from './projection-case.ts'
import { TURN_CASES } from './store-plan.ts'
import { benchTurns } from './turn-cases.ts'

/** Measures the store on both engines, each beside statements written by hand and beside its peers. */
export async function benchStore(options: StoreBenchOptions): Promise<Figure[]> {
  await mkdir(options.directory, { recursive: true })
  const directory = await mkdtemp(join(resolve(options.directory), 'store-'))
  try {
    const context = { machine: describeMachine(directory), date: new Date().toISOString() }
    const figures: Figure[] = []
    for (const engine of options.engines)
      figures.push(...(await benchEngine(engine, directory, options, context)))
    return figures
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function benchEngine(
  engine: Engine,
  directory: string,
  options: StoreBenchOptions,
  context: RunContext,
): Promise<Figure[]> {
  const { cases } = options
  await using running = new AsyncDisposableStack()
  const server = engine === 'postgres' ? running.use(await startPostgres()) : undefined
  const place = { engine, directory, serverUrl: server?.url }
  const figures: Figure[] = []
  if (cases.includes('turns')) figures.push(...(await benchAllTurns(place, options, context)))
  if (cases.includes('projection')) {
    // Databases of their own: what the turns have appended would be projected, too.
    await using contenders = await startContenders(place, 'projection', options)
    figures.push(...(await benchProjection(contenders.all, options, context)))
  }
  if (cases.includes('memory') && engine === 'sqlite') {
    figures.push(...(await benchMemory(join(directory, 'memory'), options, context)))
  }
  return figures
}

/** Where the contenders of an engine are. */
interface Place {
  readonly engine: Engine
  readonly directory: string
  readonly serverUrl: string | undefined
}

async function benchAllTurns(
  place: Place,
  options: StoreBenchOptions,
  context: RunContext,
): Promise<Figure[]> {
  await using contenders = await startContenders(place, 'turns', options)
  const figures: Figure[] = []
  for (const name of TURN_CASES) figures.push(...(await benchTurns(name, contenders.all, options, context)))
  return figures
}

/** All that take part, each in a process and with a database of its own; they end with the result. */
async function startContenders(
  { engine, directory, serverUrl }: Place,
  purpose: string,
  options: StoreBenchOptions,
): Promise<AsyncDisposable & { readonly all: readonly Contender[] }> {
  options.progress(`${engine}, ${purpose}: contenders fill their tables`)
  await using starting = new AsyncDisposableStack()
  const all: Contender[] = []
  for (const plan of storePlans()) {
    if (plan.engine !== engine || (plan.role === 'peer' && !isPresent(options))) continue
    if (plan.role === 'raw' && engine === 'postgres' && peerVersion('pg') === undefined) continue
    const name = `${plan.id}-${purpose}`
    const url = serverUrl === undefined ? '' : await databaseOf(serverUrl, name)
    all.push(starting.use(await Contender.start(plan, join(directory, name), url)))
  }
  const running = starting.move()
  return { all, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

function isPresent({ peers }: StoreBenchOptions): boolean {
  return peers && peerVersion('@event-driven-io/emmett-postgresql') !== undefined
}

async function startPostgres(): Promise<TestServer> {
  const [server] = findServers(services.postgres)
  if (server === undefined) throw new Error('there is no PostgreSQL: npm run services -- install postgres')
  return startTestServer('postgres', server)
}
