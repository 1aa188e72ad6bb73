import { afterEach, describe, expect, inject, test } from 'vitest'
import { Target } from './targets.ts'

/**
 * Both brokers lock `.lock` in a directory through the kernel: neither starts while the other runs.
 */
describe.skipIf(inject('javaMissing') !== null)('a directory that a broker runs on', () => {
  const running: Target[] = []
  afterEach(async () => {
    for (const broker of running.splice(0).reverse()) await broker.close()
  })

  test.each([
    ['kafka', 'odradek', /^odradek: \S+ is in use by process \d+$/m],
    ['odradek', 'kafka', /Failed to acquire lock on file \.lock/],
  ] as const)('of %s is refused to %s', async (first, second, why) => {
    const holder = new Target(first, {})
    running.push(holder)
    await holder.start()
    const other = new Target(second, { dataDir: holder.dataDir })
    running.push(other)
    await expect(other.start()).rejects.toThrow()
    // Apache Kafka opens the log of the metadata, and begins to write to it, before it locks the
    // directory: sometimes it ends because of that.
    if (second === 'kafka' && /CorruptRecordException/.test(other.describe())) return
    expect(other.describe()).toMatch(why)
    await holder.stop()
    await other.close()
    const later = new Target(second, { dataDir: holder.dataDir })
    running.push(later)
    await later.start()
    await later.stop()
  })
})
