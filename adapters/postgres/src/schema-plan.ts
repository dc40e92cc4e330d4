import type { SchemaStep } from '@millrace/documents'
import { ownTables } from './own-tables.ts'
import type { PresentTable, SchemaCatalog } from './schema-catalog.ts'
import type { WantedColumn, WantedTable } from './schema-objects.ts'
import { quoted, type TableNames } from './table-names.ts'

/**
 * The steps from what there is to what is declared, in an order in which they can be done. What is declared nowhere is
 * left alone; what belongs to a collection that is declared and is not named any more is taken away, since it can be made
 * again. Only columns of flat tables hold something of their own.
 */
export function planSteps(
  names: TableNames,
  catalog: SchemaCatalog,
  wanted: readonly WantedTable[],
): readonly SchemaStep[] {
  const steps: SchemaStep[] = []
  if (catalog.version === undefined) {
    steps.push({
      what: 'tables and functions of the store',
      sql: ownTables(names, catalog.hasSchema),
      hazard: 'none',
    })
  }
  const present = wanted.map((table) => ({ table, there: catalog.tables.get(table.name) }))
  for (const { table, there } of present) {
    if (there !== undefined) steps.push(...removals(names, table, there))
  }
  for (const { table, there } of present) {
    if (there === undefined) steps.push({ what: table.what, sql: table.create, hazard: 'none' })
    steps.push(...columnSteps(names, table, there))
  }
  for (const { table, there } of present) {
    for (const { name, what, create } of table.indexes) {
      if (there?.indexes.get(name) !== true) steps.push({ what, sql: create, hazard: 'none' })
    }
  }
  for (const { table, there } of present) {
    for (const { name, what, create } of table.references) {
      if (!there?.references.has(name)) steps.push({ what, sql: create, hazard: 'none' })
    }
  }
  return steps
}

/** References and indexes that are not wanted any more, or were never completed, and those of ours only. */
function removals(names: TableNames, table: WantedTable, there: PresentTable): SchemaStep[] {
  const wantedIndexes = new Set(table.indexes.map(({ name }) => name))
  const wantedReferences = new Set(table.references.map(({ name }) => name))
  const references = [...there.references].filter(
    (name) => name.startsWith('_fk_') && !wantedReferences.has(name),
  )
  const indexes = [...there.indexes].filter(([name, isValid]) => {
    return /^_(ix|uq)_/.test(name) && !(isValid && wantedIndexes.has(name))
  })
  return [
    ...references.map((name): SchemaStep => {
      const sql = `ALTER TABLE ${names.own(table.name)} DROP CONSTRAINT ${quoted(name)};`
      return {
        what: `reference ${name} of ${table.what}, which is not declared any more`,
        sql,
        hazard: 'none',
      }
    }),
    ...indexes.map(([name]): SchemaStep => {
      const sql = `DROP INDEX ${names.own(name)};`
      return { what: `index ${name} of ${table.what}, which is not declared any more`, sql, hazard: 'none' }
    }),
  ]
}

/** Generated columns are made anew where they differ; columns of flat tables are lost by that. */
function columnSteps(names: TableNames, table: WantedTable, there: PresentTable | undefined): SchemaStep[] {
  if (there === undefined) return table.isFlat ? [] : table.columns.map(added)
  const differs = table.isFlat && table.key.join() !== there.key.join()
  if (differs || table.columns.some((each) => table.key.includes(each.name) && isOther(each, there))) {
    const sql = `DROP TABLE ${names.own(table.name)};\n${table.create}`
    return [{ what: `${table.what} with another key`, sql, hazard: 'destructive' }]
  }
  const hazard = table.isFlat ? 'destructive' : 'none'
  const wanted = new Set(table.columns.map(({ name }) => name))
  const lost = [...there.columns.keys()].filter((name) => {
    return !wanted.has(name) && (table.isFlat || isGenerated(name, there))
  })
  const drop = (name: string): SchemaStep => {
    const sql = `ALTER TABLE ${names.own(table.name)} DROP COLUMN ${quoted(name)};`
    return { what: `column ${name} of ${table.what}`, sql, hazard }
  }
  const changed = table.columns.filter((each) => isOther(each, there)).map(({ name }) => name)
  const missing = table.columns.filter(({ name }) => !there.columns.has(name) || changed.includes(name))
  return [...[...lost, ...changed].map(drop), ...missing.map(added)]
}

function added({ what, create }: WantedColumn): SchemaStep {
  return { what, sql: create, hazard: 'none' }
}

function isOther({ name, mark }: WantedColumn, { columns }: PresentTable): boolean {
  return columns.has(name) && columns.get(name) !== mark
}

/** One of ours: its comment says so. */
function isGenerated(name: string, { columns }: PresentTable): boolean {
  return columns.get(name)?.startsWith('millrace:') === true
}
