import { defineConfig } from 'vitest/config'

/**
 * `npm run test:compat`: foreign programs that need Java or kcat. One suite at a time, in one
 * process, so that all of them share the JVM the command line tools run in.
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
