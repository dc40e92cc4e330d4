import { defineConfig } from 'vitest/config'

const exclude = ['**/node_modules/**', '**/dist/**']

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
      { test: { name: 'int', include: ['**/test/**/*.int.test.ts'], exclude, testTimeout: 30_000 } },
      {
        test: {
          name: 'e2e',
          include: ['**/test/**/*.e2e.test.ts'],
          exclude,
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
