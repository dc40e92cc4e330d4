export { nodeFiles } from './node-files.ts'
export { nodeRuntime } from './node-runtime.ts'
export { type TcpListenerOptions, tcpListener } from './tcp-listener.ts'
