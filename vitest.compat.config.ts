import { defineConfig } from 'vitest/config'

/** Suites that compare rates or times of the two brokers: they get the machine for themselves. */
const measured = ['test/compat/quota-rates.compat.ts', 'test/compat/quotas.compat.ts']

/**
 * `npm run test:compat`: tests that need Java or kcat. Two processes run a suite each, most of
 * whose time is spent on waiting; the suites of a process share the JVM of the command line tools.
 */
const common = {
  globalSetup: ['test/compat/setup.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
  pool: 'forks' as const,
  isolate: false,
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'together',
          include: ['test/**/*.compat.ts'],
          exclude: measured,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...common,
          name: 'alone',
          include: measured,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
