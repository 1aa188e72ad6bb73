import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { firstSeeds } from '../seeded.ts'
import { KafkaQuorum } from './kafka/quorum.ts'
import { isLongForm } from './long-form.ts'
import { carrier, gather, imageOfEach, observe } from './observer/follow.ts'
import { handMade } from './observer/hand-made.ts'
import { appendByKafka, asKafkaImage, kafkaImages } from './observer/kafka-image.ts'
import { operations } from './observer/operations.ts'
import { RandomRecords } from './observer/random-records.ts'

const controllerId = 3000
/** Nodes are started and stopped several times. */
const timeout = 300_000
const recordedBatches = 300

/** Compares the images after each record with Kafka's own; returns how many they are. */
async function compare(batches: readonly Buffer[], files: readonly string[]): Promise<number> {
  const mine = (await imageOfEach(batches)).map(asKafkaImage)
  const offsetOf = ({ provenance }: (typeof mine)[number]) => provenance.lastContainedOffset
  // Nothing is published here before the first record of a controller.
  const theirs = (await kafkaImages('each', files)).filter(
    (image) => offsetOf(image) >= offsetOf(mine[0]!),
  )
  for (const [i, image] of mine.entries()) {
    expect(image, `at offset ${offsetOf(image)}`).toEqual(theirs[i])
  }
  return mine.length
}

describe.skipIf(inject('javaMissing') !== null)('images of the metadata', { timeout }, () => {
  test.each(firstSeeds(isLongForm ? 30 : 3))(
    'equal Kafka’s after each of many random records (ODRADEK_SEED=%d)',
    async (seed) => {
      const dir = mkdtempSync(join(tmpdir(), 'random-records-'))
      try {
        const file = join(dir, '00000000000000000000.log')
        await appendByKafka(file, new RandomRecords(seed).batches(recordedBatches))
        const batches = [...batchesIn(readFileSync(file))].map(({ slice }) => slice)
        expect(batches.length).toBeGreaterThan(recordedBatches / 2)
        expect(await compare(batches, [file])).toBeGreaterThan(recordedBatches / 2)
      } finally {
        rmSync(dir, { recursive: true })
      }
    },
  )

  test('equal Kafka’s after each record of operations of all kinds', async () => {
    await withQuorum(async (quorum) => {
      const { raft, batches, faults } = gather(quorum.bootstrap)
      const first = await quorum.startBroker(1)
      await quorum.startBroker(2)
      const broker = carrier.open(first, { clientId: 'operations', asksVersions: true })
      for (const operation of operations) {
        if ('ask' in operation) await operation.ask(broker)
        else if ('stop' in operation) await quorum.stopNode(operation.stop, operation.signal)
        else await quorum.startNode(operation.start)
      }
      broker.close()
      await raft.refreshed()
      await raft.close()
      expect(operations.length).toBeGreaterThanOrEqual(30)
      expect(await compare(batches, quorum.logFiles(controllerId))).toBeGreaterThan(150)
      expect(faults).toEqual([])
    })
  })

  test('equal Kafka’s where transactions end, are aborted, or are left open', async () => {
    await withQuorum(async (quorum) => {
      await quorum.stopNode(controllerId, 'SIGTERM')
      await appendByKafka(quorum.logFiles(controllerId).at(-1)!, handMade)
      // A new leader aborts the transaction that is open at the end of its log.
      await quorum.startNode(controllerId)
      const { raft, batches } = gather(quorum.bootstrap)
      const { observer } = observe(quorum.bootstrap)
      await observer.caughtUp()
      await raft.refreshed()
      await raft.close()
      expect(await compare(batches, quorum.logFiles(controllerId))).toBeGreaterThan(5)
      const names = [...observer.image.topics.keys()]
      expect(names.toSorted()).toEqual(['beside', 'kept'])
      expect(observer.image.delegationTokens.size).toBe(1)
      await observer.close()
    })
  })
})

async function withQuorum(run: (quorum: KafkaQuorum) => Promise<void>): Promise<void> {
  const settings = {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  }
  const quorum = await KafkaQuorum.start({ controllers: 1, voters: 'in the log', settings })
  try {
    await run(quorum)
  } finally {
    await quorum.close()
  }
}
