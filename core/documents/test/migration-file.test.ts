import {
  isDestructive,
  migrationFile,
  migrationNumber,
  nextMigrationNumber,
  type SchemaPlan,
} from '@millrace/documents'
import { describe, expect, test } from 'vitest'

const plan: SchemaPlan = {
  steps: [
    { what: 'collection benches', sql: 'CREATE TABLE benches (id text);\n', hazard: 'none' },
    { what: 'index\nbenches.by-zone', sql: 'CREATE INDEX a ON benches (zone);', hazard: 'none' },
  ],
}
const harmful: SchemaPlan = {
  steps: [{ what: 'column totals.old', sql: 'ALTER TABLE totals DROP COLUMN old;', hazard: 'destructive' }],
}

describe('a migration file', () => {
  test('has every step with what it is for, and a name that sorts', () => {
    expect(migrationFile(plan, 7, 'Benches by zone!')).toEqual({
      name: '0007-benches-by-zone.sql',
      text: `-- 0007-benches-by-zone
-- Run it once, before the application that needs it starts.

-- 1. collection benches
CREATE TABLE benches (id text);

-- 2. index benches.by-zone
CREATE INDEX a ON benches (zone);
`,
    })
  })

  test('says at the top and at the step that something would be lost', () => {
    const { text } = migrationFile(harmful, 1, 'totals')
    expect(text).toContain('-- DESTRUCTIVE: some steps lose what is there. They are marked.\n')
    expect(text).toContain('-- 1. DESTRUCTIVE: column totals.old\nALTER TABLE')
    expect([isDestructive(plan), isDestructive(harmful)]).toEqual([false, true])
  })

  test('has some name whatever it is called', () => {
    expect(migrationFile(plan, 9_999, '../../..').name).toBe('9999-migration.sql')
    expect(migrationFile(plan, 1, 'x'.repeat(500)).name).toHaveLength(5 + 100 + 4)
  })

  test('follows those that there are', () => {
    expect(nextMigrationNumber([])).toBe(1)
    expect(nextMigrationNumber(['0002-b.sql', 'README.md', '0010-c.sql', '0001-a.sql', '0099.sql'])).toBe(11)
    expect(migrationNumber(migrationFile(plan, 42, 'any').name)).toBe(42)
    expect(migrationNumber('42-any.sql')).toBeUndefined()
  })
})
