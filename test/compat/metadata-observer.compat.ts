import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import type { Channel } from '../../src/channel/channel.ts'
import type { Image } from '../../src/metadata/image.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { KafkaQuorum, smallFiles } from './kafka/quorum.ts'
import { javaTools } from './kafka/tools.ts'
import { isLongForm } from './long-form.ts'
import { carrier, gather, observe, observerDirectory, observerId } from './observer/follow.ts'
import { asKafkaImage, kafkaImages } from './observer/kafka-image.ts'
import { soon } from './targets.ts'

/** JVMs start and elections take their time. */
const timeout = isLongForm ? 1_800_000 : 300_000

/** The size of a piece of a snapshot, in bytes. */
const pieceBytes = 1024

async function withQuorum(
  options: Parameters<typeof KafkaQuorum.start>[0],
  run: (quorum: KafkaQuorum, broker: Channel) => Promise<void>,
): Promise<void> {
  const quorum = await KafkaQuorum.start(options)
  try {
    const address = await quorum.startBroker(1)
    const broker = carrier.open(address, { clientId: 'a test', asksVersions: true })
    await run(quorum, broker)
    broker.close()
  } finally {
    await quorum.close()
  }
}

/** Creates a topic; asks again while the controllers elect a leader. */
async function create(broker: Channel, name: string): Promise<void> {
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const error = async () => {
    try {
      const body = { topics: [topic], timeoutMs: 5000 }
      const { topics } = await broker.send(createTopics, 7, body, { timeoutMs: 20_000 })
      return errorName(topics[0]!.errorCode)
    } catch (fault) {
      return (fault as Error).message
    }
  }
  // A first request without an answer may have been carried out.
  await expect.poll(error, soon).toMatch(/^(NONE|TOPIC_ALREADY_EXISTS)$/)
}

/** Expects an image to be Kafka's own, made of the files of a controller. */
async function expectSame(image: Image, files: readonly string[]): Promise<void> {
  const [theirs] = await kafkaImages(image.offset, files)
  expect(asKafkaImage(image)).toEqual(theirs)
}

describe.skipIf(inject('javaMissing') !== null)('an observer of Apache Kafka', { timeout }, () => {
  test('reads a snapshot in small pieces, then the log behind it', async () => {
    const quiet = { ...smallFiles, 'metadata.max.idle.interval.ms': 0 }
    const options = { controllers: 1, voters: 'in the log', settings: quiet } as const
    await withQuorum(options, async (quorum, broker) => {
      for (let i = 0; i < 50; i++) await create(broker, `t${i}`)
      await expect.poll(() => quorum.snapshotFiles(3000).length, soon).toBeGreaterThan(0)
      const { raft, snapshots, batches, image, hold, faults } = gather(quorum.bootstrap, {
        snapshotMaxBytes: pieceBytes,
      })
      await raft.refreshed()
      const [snapshot] = snapshots
      const file = quorum.snapshotFiles(3000).at(-1)!
      expect(Number(basename(file).slice(0, 20))).toBe(snapshot!.endOffset)
      expect(readFileSync(file).length).toBeGreaterThan(2 * pieceBytes)
      expect(image().topics.size).toBe(50)

      if (isLongForm) {
        // Stopped at its offset, it loses the log behind it, and gets another snapshot.
        const release = hold()
        await create(broker, 'held')
        const firstOffset = () => Number(basename(quorum.logFiles(3000)[0]!).slice(0, 20))
        for (let i = 0; i < 200; i++) await create(broker, `more${i}`)
        const before = image().offset
        const rolled = { timeout: 150_000, interval: 1000 }
        await expect.poll(firstOffset, rolled).toBeGreaterThan(before + 1)
        release()
        await raft.refreshed()
        expect(snapshots).toHaveLength(2)
        expect(image().topics.size).toBe(251)
      }
      await create(broker, 'behind')
      await raft.refreshed()
      await raft.close()
      expect(batches.length).toBeGreaterThan(0)
      expect(faults).toEqual([])
      const last = quorum.snapshotFiles(3000).at(-1)!
      await expectSame(image(), [last, ...quorum.logFiles(3000)])
    })
  })

  test('is listed by Kafka’s tool, with no lag', async () => {
    await withQuorum({ controllers: 1, voters: 'static' }, async (quorum) => {
      const { observer, faults } = observe(quorum.bootstrap)
      await observer.caughtUp()
      const { host, port } = quorum.bootstrap[0]!
      const tools = await javaTools()
      const at = ['--bootstrap-controller', `${host}:${port}`, 'describe', '--replication']
      // Node, directory, log end offset, lag, last fetch, last caught up, status.
      const row = async () => {
        const lines = (await tools.ask('metadata-quorum', at)).split('\n')
        const words = lines.map((line) => line.split(/\s+/))
        const [id, directory, , lag, , , status] =
          words.find(([first]) => first === String(observerId)) ?? []
        return { id, directory, lag, status }
      }
      await expect.poll(row, soon).toEqual({
        ...{ id: String(observerId), directory: observerDirectory, lag: '0' },
        status: 'Observer',
      })
      expect(faults).toEqual([])
      await observer.close()
    })
  })

  const [kills, topics] = isLongForm ? [20, 1000] : [3, 60]
  test(`loses nothing while the leader of three is killed ${kills} times`, async () => {
    await withQuorum({ controllers: 3, voters: 'in the log' }, async (quorum, broker) => {
      const gathered = gather(quorum.bootstrap)
      const { raft, leaders, highWatermarks, faults, batches, image } = gathered
      const { observer, faults: observerFaults } = observe(quorum.bootstrap)
      await Promise.all([raft.refreshed(), observer.caughtUp()])
      let created = 0
      const creating = (async () => {
        for (; created < topics; created++) await create(broker, `t${created}`)
      })()
      for (let kill = 1; kill <= kills; kill++) {
        await expect.poll(() => created, soon).toBeGreaterThanOrEqual((topics / kills) * (kill - 1))
        const killed = raft.controller!.nodeId
        await quorum.stopNode(killed, 'SIGKILL')
        await expect.poll(() => raft.controller?.nodeId ?? killed, soon).not.toBe(killed)
        await quorum.startNode(killed)
      }
      await creating
      await Promise.all([raft.refreshed(), observer.refreshed()])
      expect(leaders.length).toBeGreaterThanOrEqual(kills)
      expect(highWatermarks).toEqual(highWatermarks.toSorted((a, b) => a - b))
      expect([...faults, ...observerFaults]).toEqual([])
      expect(observer.image.topics.size).toBe(topics)
      const leader = raft.controller!.nodeId
      await Promise.all([raft.close(), observer.close()])

      // What it was given is the leader's log, byte for byte.
      const bytes = Buffer.concat(batches)
      const files = quorum.logFiles(leader)
      const log = Buffer.concat(files.map((file) => readFileSync(file)))
      expect(log.subarray(0, bytes.length).equals(bytes)).toBe(true)
      await expectSame(image(), files)
    })
  })
})
