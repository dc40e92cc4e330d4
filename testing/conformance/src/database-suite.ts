import { describe } from 'vitest'
import { databaseAggregateTests } from './database-aggregate-tests.ts'
import { databaseDocumentTests } from './database-document-tests.ts'
import { databaseFeedTests } from './database-feed-tests.ts'
import { databaseFilterTests } from './database-filter-tests.ts'
import type { DatabaseFactory } from './database-harness.ts'
import { databaseOrderTests } from './database-order-tests.ts'
import { databasePatchTests } from './database-patch-tests.ts'
import { databasePositionTests } from './database-position-tests.ts'
import { databaseReferenceTests } from './database-reference-tests.ts'
import { databaseSoftDeleteTests } from './database-soft-delete-tests.ts'
import { databaseStreamTests } from './database-stream-tests.ts'
import { databaseTenantTests } from './database-tenant-tests.ts'
import { databaseUniqueTests } from './database-unique-tests.ts'
import { databaseUnitTests } from './database-unit-tests.ts'

/** What every `Database` must do: each operation, each read, and each promise of the port. */
export function databaseSuite(name: string, open: DatabaseFactory): void {
  describe(`${name} is a database`, () => {
    describe('documents', () => databaseDocumentTests(open))
    describe('tenants', () => databaseTenantTests(open))
    describe('soft deletes', () => databaseSoftDeleteTests(open))
    describe('patches', () => databasePatchTests(open))
    describe('filters', () => databaseFilterTests(open))
    describe('order, pages and parts', () => databaseOrderTests(open))
    describe('figures', () => databaseAggregateTests(open))
    describe('unique indexes', () => databaseUniqueTests(open))
    describe('references', () => databaseReferenceTests(open))
    describe('streams', () => databaseStreamTests(open))
    describe('the feed', () => databaseFeedTests(open))
    describe('units', () => databaseUnitTests(open))
    describe('positions', () => databasePositionTests(open))
  })
}
