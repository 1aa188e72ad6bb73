import { defineConfig } from 'vitest/config'

/**
 * `npm run test:compat`: tests that need Java or kcat, one suite at a time in one process, so that
 * all suites share the JVM of the command line tools.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.compat.ts'],
    globalSetup: ['test/compat/setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    isolate: false,
    fileParallelism: false,
  },
})
