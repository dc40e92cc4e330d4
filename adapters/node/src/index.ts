export { directoryOwner } from './directory-lock.ts'
export { type NodeDirectory, nodeDirectory } from './node-directory.ts'
export { nodeFiles } from './node-files.ts'
export { type NodeRuntimeOptions, nodeRuntime } from './node-runtime.ts'
