export type { BusFactory, BusHarness } from './bus-harness.ts'
export { busSuite } from './bus-suite.ts'
export { type DatabaseFactory, type DatabaseUnderTest, databaseSuite } from './database-suite.ts'
export { type FilesFactory, filesSuite } from './files-suite.ts'
