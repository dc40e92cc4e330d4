export { type FoundServer, findServers } from './find-server.ts'
export { freePort } from './run-server.ts'
export { isAtLeast, NATS_DURABLE, type ServiceName, services, type Version } from './server-kind.ts'
export { startTestServer, type TestServer } from './test-server.ts'
