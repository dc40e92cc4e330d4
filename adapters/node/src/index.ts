export { nodeFiles } from './node-files.ts'
export { nodeRuntime } from './node-runtime.ts'
