import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const exclude = ['**/node_modules/**', '**/dist/**']

/**
 * Threads and processes of tests keep what they compile: stripping the types off the same files again in each of them takes
 * most of the time that opening a database takes, and V8 does not always survive WebAssembly in many short-lived threads
 * ("Check failed: jit_page.has_value()", https://github.com/nodejs/node/issues/64500).
 */
const env = { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) }

/** The suffix of a test file tells what it costs: pure and quick, real files and sockets, whole processes. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/test/**/*.test.ts'],
          exclude: [...exclude, '**/*.int.test.ts', '**/*.e2e.test.ts'],
        },
      },
      { test: { name: 'int', include: ['**/test/**/*.int.test.ts'], exclude, env, testTimeout: 30_000 } },
      {
        test: {
          name: 'e2e',
          include: ['**/test/**/*.e2e.test.ts'],
          exclude,
          env,
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
