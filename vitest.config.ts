import { defineConfig } from 'vitest/config'

/** Shared with `vitest.portable.config.ts`. */
export const limits = { testTimeout: 30_000, hookTimeout: 60_000, pool: 'forks' } as const

/** `npm test` runs all tests except those that need Java or kcat (see `test/compat/`). */
export default defineConfig({ test: { include: ['test/**/*.test.ts'], ...limits } })
