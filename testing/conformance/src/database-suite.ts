import { describe } from 'vitest'
import { databaseAggregateTests } from './database-aggregate-tests.ts'
import { databaseAgreementTests } from './database-agreement-tests.ts'
import { databaseClosingTests } from './database-closing-tests.ts'
import { databaseDocumentTests } from './database-document-tests.ts'
import { databaseFeedTests } from './database-feed-tests.ts'
import { databaseFilterTests } from './database-filter-tests.ts'
import type { DatabaseFactory } from './database-harness.ts'
import { databaseIndexTests } from './database-index-tests.ts'
import { databaseInputTests } from './database-input-tests.ts'
import { databaseOrderTests } from './database-order-tests.ts'
import { databasePatchTests } from './database-patch-tests.ts'
import { databasePositionTests } from './database-position-tests.ts'
import { databaseRawTests } from './database-raw-tests.ts'
import { databaseReadTests } from './database-read-tests.ts'
import { databaseReferenceTests } from './database-reference-tests.ts'
import { databaseRowTests } from './database-row-tests.ts'
import { databaseSchemaTests } from './database-schema-tests.ts'
import { databaseSearchTests } from './database-search-tests.ts'
import { databaseSharedTests } from './database-shared-tests.ts'
import { databaseSoftDeleteTests } from './database-soft-delete-tests.ts'
import { databaseStreamTests } from './database-stream-tests.ts'
import { databaseTenantTests } from './database-tenant-tests.ts'
import { databaseTransformTests } from './database-transform-tests.ts'
import { databaseUniqueTests } from './database-unique-tests.ts'
import { databaseUnitTests } from './database-unit-tests.ts'
import { databaseWaitingTests } from './database-waiting-tests.ts'

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
    describe('full-text search', () => databaseSearchTests(open))
    describe('indexes', () => databaseIndexTests(open))
    describe('unique indexes', () => databaseUniqueTests(open))
    describe('references', () => databaseReferenceTests(open))
    describe('rows', () => databaseRowTests(open))
    describe('streams', () => databaseStreamTests(open))
    describe('the feed', () => databaseFeedTests(open))
    describe('units', () => databaseUnitTests(open))
    describe('positions', () => databasePositionTests(open))
    describe('schema', () => databaseSchemaTests(open))
    describe('reads', () => databaseReadTests(open))
    describe('input', () => databaseInputTests(open))
    describe('waiting for events', () => databaseWaitingTests(open))
    describe('raw SQL', () => databaseRawTests(open))
    describe('transformations', () => databaseTransformTests(open))
    describe('several processes', () => databaseSharedTests(open))
    describe('closing and opening again', () => databaseClosingTests(open))
    describe('agreement with the definitions', () => databaseAgreementTests(open))
  })
}
