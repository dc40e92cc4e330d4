import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { findServers, services, startTestServer, type TestServer } from '@millrace/services'
import type { Figure } from '../figure.ts'
import { peerVersion } from '../log/stores/peer-packages.ts'
import { describeMachine } from '../machine.ts'
import { Contender } from './contender.ts'
import { benchMemory } from './memory-case.ts'
import type { Engine, StoreBenchOptions } from './options.ts'
import { storePlans } from './plans/store-plans.ts'
import { databaseOf } from './postgres-databases.ts'
import { benchProjection } from './projection-case.ts'
import type { RunContext } from './store-figure.ts'
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
  const { cases, progress } = options
  await using running = new AsyncDisposableStack()
  const server = engine === 'postgres' ? running.use(await startPostgres()) : undefined
  progress(`${engine}: contenders fill their tables`)
  const contenders: Contender[] = []
  for (const plan of storePlans()) {
    if (plan.engine !== engine || (plan.role === 'peer' && !isPresent(options))) continue
    if (plan.role === 'raw' && engine === 'postgres' && peerVersion('pg') === undefined) continue
    const url = server === undefined ? '' : await databaseOf(server.url, plan.id)
    contenders.push(running.use(await Contender.start(plan, join(directory, plan.id), url)))
  }
  const figures: Figure[] = []
  if (cases.includes('turns')) {
    for (const name of TURN_CASES) figures.push(...(await benchTurns(name, contenders, options, context)))
  }
  if (cases.includes('projection')) figures.push(...(await benchProjection(contenders, options, context)))
  if (cases.includes('memory') && engine === 'sqlite') {
    figures.push(...(await benchMemory(join(directory, 'memory'), options, context)))
  }
  return figures
}

function isPresent({ peers }: StoreBenchOptions): boolean {
  return peers && peerVersion('@event-driven-io/emmett-postgresql') !== undefined
}

async function startPostgres(): Promise<TestServer> {
  const [server] = findServers(services.postgres)
  if (server === undefined) throw new Error('there is no PostgreSQL: npm run services -- install postgres')
  return startTestServer('postgres', server)
}
