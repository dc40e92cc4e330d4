import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDestructive, migrationFile, nextMigrationNumber, type SchemaPlan } from '@millrace/documents'
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { style, terminalOutput } from '../output.ts'
import type { SetExitCode } from './api-options.ts'

interface StoreFlags {
  readonly data?: string
  readonly store?: string
  readonly storeSchema?: string
  readonly json?: boolean
  readonly allowDestructive?: boolean
  readonly out: string
  readonly name: string
}

/** `millrace store diff|apply|dump` */
export function addStoreCommands(program: Command, setExitCode: SetExitCode): void {
  const store = program
    .command('store')
    .description('What the database has to hold for an application, and bringing it there.')
  addDiff(store, setExitCode)
  addApply(store)
  addDump(store)
}

function addDiff(store: Command, setExitCode: SetExitCode): void {
  const command = withStoreOptions(
    store.command('diff').description('Show what would have to be done to the database; changes nothing.'),
  )
  command.addHelpText(
    'after',
    '\nExit code 0: it holds all that is declared. 7: it does not.\n\nExamples:\n  millrace store diff app.ts\n  millrace store diff app.ts --store postgres://me@db/greenhouse',
  )
  command.action(async (file: string, flags: StoreFlags) => {
    const output = terminalOutput(flags.json ?? false)
    const plan = await withDatabase(file, flags, ({ plan }) => plan())
    if (plan.steps.length > 0) setExitCode(EXIT.schemaDiffers)
    if (output.json) return output.data(plan)
    if (plan.steps.length === 0) return output.line('The database holds all that is declared.')
    for (const { what, sql, hazard } of plan.steps) {
      const mark = hazard === 'destructive' ? ` ${style('red', 'destructive')}` : ''
      output.line(`${style('bold', what)}${mark}\n${indented(sql)}\n`)
    }
    output.line(`${plan.steps.length} steps; millrace store apply does them`)
  })
}

function addApply(store: Command): void {
  const command = withStoreOptions(
    store.command('apply').description('Bring the database to what the application declares.'),
  )
  command
    .option('--allow-destructive', 'also do steps that lose something')
    .addHelpText(
      'after',
      '\nOn SQLite the application must not run meanwhile.\n\nExamples:\n  millrace store apply app.ts\n  millrace store apply app.ts --allow-destructive --json',
    )
  command.action(async (file: string, flags: StoreFlags) => {
    const output = terminalOutput(flags.json ?? false)
    const plan = await withDatabase(file, flags, async ({ plan, prepare }) => {
      const before = await plan()
      await prepare(flags.allowDestructive === true)
      return before
    })
    if (output.json) return output.data({ applied: plan.steps.map(({ what, hazard }) => ({ what, hazard })) })
    for (const { what } of plan.steps) output.line(what)
    output.line(plan.steps.length === 0 ? 'There was nothing to do.' : `${plan.steps.length} steps are done`)
  })
}

function addDump(store: Command): void {
  const command = withStoreOptions(
    store
      .command('dump')
      .description('Write what diff shows into the next numbered file of plain SQL, to be run by hand.'),
  )
  command
    .option('--out <directory>', 'where the files are', 'migrations')
    .option('--name <words>', 'what the file is called', 'migration')
    .addHelpText(
      'after',
      '\nExamples:\n  millrace store dump app.ts --store postgres://me@db/greenhouse --name "benches by zone"',
    )
  command.action(async (file: string, flags: StoreFlags) => {
    const output = terminalOutput(flags.json ?? false)
    const plan = await withDatabase(file, flags, ({ plan }) => plan())
    if (plan.steps.length === 0) {
      return output.json ? output.data({ file: null, steps: 0 }) : output.line('There is nothing to write.')
    }
    await mkdir(flags.out, { recursive: true })
    const written = migrationFile(plan, nextMigrationNumber(await readdir(flags.out)), flags.name)
    const path = join(flags.out, written.name)
    await writeFile(path, written.text, { flag: 'wx' })
    if (output.json)
      return output.data({ file: path, steps: plan.steps.length, destructive: isDestructive(plan) })
    output.line(
      `${path}: ${plan.steps.length} steps${isDestructive(plan) ? ', some of them destructive' : ''}`,
    )
  })
}

function withStoreOptions(command: Command): Command {
  return command
    .argument('<file>', 'the application: a module whose default export is made by defineApp')
    .option('--data <directory>', 'data directory (MILLRACE_DATA; default: .millrace)')
    .option(
      '--store <url>',
      'postgres://host/database instead of SQLite in the data directory (MILLRACE_STORE)',
    )
    .option('--store-schema <name>', 'where on that server (MILLRACE_STORE_SCHEMA; default: millrace)')
    .option('--json', 'print JSON for programs')
}

interface OpenStore {
  plan(): Promise<SchemaPlan>
  prepare(allowDestructive: boolean): Promise<void>
}

/** The database that the application would use, with its settings, for as long as `act` takes. */
async function withDatabase<Result>(
  file: string,
  flags: StoreFlags,
  act: (store: OpenStore) => Promise<Result>,
): Promise<Result> {
  const { loadApp, openDatabase, resolveSettings, schemaOfApp } = await import('@millrace/server')
  const { definition } = await loadApp(file)
  const overrides = {
    ...(flags.data === undefined ? {} : { dataDirectory: flags.data }),
    ...(flags.store === undefined ? {} : { storeUrl: flags.store }),
    ...(flags.storeSchema === undefined ? {} : { storeSchema: flags.storeSchema }),
  }
  const settings = resolveSettings(definition, overrides, process.env)
  if (settings.store.url === undefined) await mkdir(settings.dataDirectory, { recursive: true, mode: 0o700 })
  await using database = await openDatabase(settings, 'warn')
  const schema = schemaOfApp(definition)
  // Waited for here: the database is closed on the way out.
  return await act({
    plan: () => database.plan(schema),
    prepare: (allowDestructive) => database.prepare(schema, allowDestructive ? { allow: 'destructive' } : {}),
  })
}

function indented(sql: string): string {
  return sql
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
}
