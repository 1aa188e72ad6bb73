import { defineConfig } from 'vitest/config'

/**
 * Shared with `vitest.portable.config.ts`. The files of a worker share its modules, which saves a
 * third of the processor time; no test changes a module or a global for good.
 */
export const limits = {
  ...{ testTimeout: 30_000, hookTimeout: 60_000 },
  ...{ pool: 'forks', isolate: false },
} as const

/** `npm test` runs all tests except those that need Java or kcat (see `test/compat/`). */
export default defineConfig({ test: { include: ['test/**/*.test.ts'], ...limits } })
