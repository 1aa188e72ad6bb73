import { defineConfig } from 'vitest/config'

/** `npm test` runs everything but the foreign programs that need Java: see `test/compat/`. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
})
