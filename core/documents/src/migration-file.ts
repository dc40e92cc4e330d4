import { assert } from '@millrace/kernel'
import type { SchemaPlan, SchemaStep } from './store-schema.ts'

/** A file of plain SQL that brings a database to what an application declares. */
export interface MigrationFile {
  /** `0001-benches-by-zone.sql`; files sort by their numbers. */
  readonly name: string
  readonly text: string
}

/** Numbers have four digits. */
const MIGRATION_NUMBER_MAX = 9_999

const FILE_NAME = /^(\d{4})-[a-z0-9-]+\.sql$/

/**
 * Turns a plan into a numbered file, for people who look at what is done to their database before it is done: every step
 * with what it is for, and a warning at those that lose something. The statements are the engine's own, as the plan has
 * them. `name` may be any text; what a file name should not have becomes hyphens.
 */
export function migrationFile(plan: SchemaPlan, number: number, name: string): MigrationFile {
  assert(plan.steps.length > 0, 'there is something to do')
  assert(
    Number.isInteger(number) && number >= 1 && number <= MIGRATION_NUMBER_MAX,
    'files are numbered from 1 to 9999',
  )
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? ['migration']
  const title = `${String(number).padStart(4, '0')}-${words.join('-').slice(0, 100)}`
  const warning = isDestructive(plan)
    ? ['-- DESTRUCTIVE: some steps lose what is there. They are marked.']
    : []
  const head = [`-- ${title}`, '-- Run it once, before the application that needs it starts.', ...warning]
  const steps = plan.steps.map((step, index) => stepText(step, index + 1))
  return { name: `${title}.sql`, text: `${[head.join('\n'), ...steps].join('\n\n')}\n` }
}

/** True if a step of the plan loses something that is there. */
export function isDestructive(plan: SchemaPlan): boolean {
  return plan.steps.some(({ hazard }) => hazard === 'destructive')
}

/** The number of a file that {@link migrationFile} has named; undefined for any other file. */
export function migrationNumber(fileName: string): number | undefined {
  const digits = FILE_NAME.exec(fileName)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The number for the next file in a directory with these. */
export function nextMigrationNumber(fileNames: Iterable<string>): number {
  let greatest = 0
  for (const each of fileNames) greatest = Math.max(greatest, migrationNumber(each) ?? 0)
  return greatest + 1
}

function stepText({ what, sql, hazard }: SchemaStep, number: number): string {
  const mark = hazard === 'destructive' ? 'DESTRUCTIVE: ' : ''
  // A line break would end the comment, and the rest of the words would be a statement.
  return `-- ${number}. ${mark}${what.replaceAll(/\s+/g, ' ')}\n${sql.trim()}`
}
