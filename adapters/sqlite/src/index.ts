export { openSqlite, type SqliteOptions } from './open-sqlite.ts'
export { WorkerLink, type WorkerLinkOptions } from './worker-link.ts'
