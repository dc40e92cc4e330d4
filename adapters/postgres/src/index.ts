export { openPostgres } from './open-postgres.ts'
export type { PostgresDatabase } from './postgres-database.ts'
export type { PostgresLimits, PostgresOptions } from './postgres-options.ts'
