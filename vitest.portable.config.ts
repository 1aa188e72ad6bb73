import { defineConfig } from 'vitest/config'
import { limits } from './vitest.config.ts'

/**
 * Tests without native calls (`koffi` is not found): no sendfile, no library for checksums, no
 * kernel lock.
 */
export default defineConfig({
  resolve: { alias: { koffi: '/package/that/is/not/installed.js' } },
  test: {
    include: ['test/base/**/*.test.ts', 'test/storage/**/*.test.ts', 'test/server/*.test.ts'],
    ...limits,
  },
})
