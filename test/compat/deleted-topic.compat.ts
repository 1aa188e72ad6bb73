import { describe, expect, inject, test } from 'vitest'
import { compile, startJava } from './kafka/java.ts'
import { startBroker, startKafka, type Target, targetName } from './targets.ts'

const watchedMs = 5_000

/** The number of fetches of a Java consumer in five seconds after its topic is deleted. */
async function fetchesOf({ bootstrap }: Target): Promise<number> {
  const extra = [await compile()]
  const program = startJava('DeletedTopic', [bootstrap, String(watchedMs)], { extra })
  const { code, stdout, stderr } = await program.finished
  expect(code, stderr).toBe(0)
  return Number(/^fetches (\d+)$/m.exec(stdout)?.[1])
}

describe.skipIf(inject('javaMissing') !== null)(`${targetName} without a topic`, () => {
  test('is asked for it no more often than Kafka is', async () => {
    const both = await Promise.all([startBroker(), startKafka()])
    try {
      const [ours, theirs] = await Promise.all(both.map(fetchesOf))
      process.stderr.write(`  fetches in ${watchedMs} ms: ${ours}, of Apache Kafka ${theirs}\n`)
      expect(ours).toBeLessThanOrEqual(2 * theirs! + 5)
    } finally {
      await Promise.all(both.map((target) => target.close()))
    }
  })
})
