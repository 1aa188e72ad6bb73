import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { errorName } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/23-offset-for-leader-epoch.ts'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.ts'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.ts'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import { until } from './kafkajs/client.ts'
import { Target, type TargetName, targetName } from './targets.ts'
import { Line } from './wire/peer.ts'

const topic = 'jbod'
const partitions = [0, 1, 2, 3]

/** A broker with two data directories, of which the second is lost. */
class Case {
  readonly root: string
  readonly dirs: readonly [string, string]
  readonly target: Target
  #line: Line | null = null

  constructor(name: TargetName) {
    this.root = mkdtempSync(join(tmpdir(), 'jbod-'))
    this.dirs = [join(this.root, 'one'), join(this.root, 'two')]
    for (const dir of this.dirs) mkdirSync(dir)
    this.target = new Target(name, {
      dataDir: this.dirs[0],
      settings: {
        'log.dirs': this.dirs.join(','),
        'metadata.log.dir': this.dirs[0],
        'offsets.topic.num.partitions': 2,
        'log.flush.offset.checkpoint.interval.ms': 300,
        'log.flush.start.offset.checkpoint.interval.ms': 300,
        'replica.high.watermark.checkpoint.interval.ms': 300,
        'log.dir.failure.timeout.ms': 30_000,
      },
    })
  }

  async start(): Promise<void> {
    await this.target.start()
    this.#line?.close()
    this.#line = new Line(this.target.port)
  }

  ask(api: AnyApi, version: number, body: object): Promise<any> {
    return this.#line!.ask(api, version, body)
  }

  /** The partitions of a topic that a directory holds. */
  heldBy(dir: string, name: string): number[] {
    const prefix = `${name}-`
    return readdirSync(dir)
      .filter((one) => one.startsWith(prefix))
      .map((one) => Number(one.slice(prefix.length)))
      .toSorted((a, b) => a - b)
  }

  /** What a dying disk looks like to whoever opens a file: the directory is one no more. */
  lose(dir: string): void {
    renameSync(dir, `${dir}.gone`)
    writeFileSync(dir, '')
  }

  async logDirs() {
    const { results } = await this.ask(describeLogDirs, 4, { topics: null })
    return this.dirs.map((dir) => {
      const found = results.find((one: any) => one.logDir === dir)
      if (found === undefined) return 'unnamed'
      const held = found.topics.flatMap((one: any) =>
        one.partitions.map(({ partitionIndex }: any) => `${one.name}-${partitionIndex}`),
      )
      const hasSize = found.totalBytes > 0 && found.usableBytes > 0
      return { error: errorName(found.errorCode), hasSize, count: held.length }
    })
  }

  /** What each partition answers to what a client may ask of it. */
  async answers(name: string, indexes: readonly number[]) {
    const all: Record<string, unknown>[] = []
    const [described] = (await this.ask(metadata, 12, { topics: [{ name }] })).topics
    const listed = await this.ask(describeTopicPartitions, 0, { topics: [{ name }] })
    for (const index of indexes) {
      const { leaderId, isrNodes, offlineReplicas, errorCode } = described.partitions.find(
        (one: any) => one.partitionIndex === index,
      )
      const { eligibleLeaderReplicas, lastKnownElr } = listed.topics[0].partitions[index]
      all.push({
        metadata: { leaderId, isrNodes, offlineReplicas, error: errorName(errorCode) },
        elr: { eligibleLeaderReplicas, lastKnownElr },
        ...(await this.#partition(name, described.topicId, index)),
      })
    }
    return all
  }

  async #partition(name: string, topicId: string, index: number) {
    const records = writeBatch({
      records: [{ key: null, value: Buffer.from('x'), timestampMs: 5 }],
    })
    const produced = await this.ask(produce, 9, {
      ...{ transactionalId: null, acks: -1, timeoutMs: 3_000 },
      topicData: [{ name, partitionData: [{ index, records }] }],
    })
    const fetched = await this.ask(fetch, 13, {
      ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, isolationLevel: 0 },
      topics: [
        { topicId, partitions: [{ partition: index, fetchOffset: 0, partitionMaxBytes: 1e6 }] },
      ],
    })
    const ends = await this.ask(listOffsets, 7, {
      ...{ replicaId: -1, isolationLevel: 0 },
      topics: [{ name, partitions: [{ partitionIndex: index, timestamp: -1 }] }],
    })
    const deleted = await this.ask(deleteRecords, 2, {
      topics: [{ name, partitions: [{ partitionIndex: index, offset: 0 }] }],
      timeoutMs: 2_000,
    })
    const epochs = await this.ask(offsetForLeaderEpoch, 4, {
      replicaId: -2,
      topics: [
        { topic: name, partitions: [{ partition: index, currentLeaderEpoch: -1, leaderEpoch: 0 }] },
      ],
    })
    const producers = await this.ask(describeProducers, 0, {
      topics: [{ name, partitionIndexes: [index] }],
    })
    return {
      produce: errorName(produced.responses[0].partitionResponses[0].errorCode),
      fetch: errorName(fetched.responses[0].partitions[0].errorCode),
      listOffsets: errorName(ends.topics[0].partitions[0].errorCode),
      deleteRecords: errorName(deleted.topics[0].partitions[0].errorCode),
      offsetForLeaderEpoch: errorName(epochs.topics[0].partitions[0].errorCode),
      describeProducers: errorName(producers.topics[0].partitions[0].errorCode),
    }
  }

  async create(name: string, numPartitions: number): Promise<void> {
    const topics = [{ name, numPartitions, replicationFactor: 1 }]
    await until(`${name} is made`, async () => {
      const made = await this.ask(createTopics, 7, { topics, timeoutMs: 10_000 })
      if (typeof made === 'string') return false
      return ['NONE', 'TOPIC_ALREADY_EXISTS'].includes(errorName(made.topics[0].errorCode) ?? '')
    })
    await until(`${name} can be written to`, async () => {
      const asked = await this.answers(
        name,
        Array.from({ length: numPartitions }, (_, i) => i),
      )
      return asked.every((one) => one.produce === 'NONE')
    })
  }

  async close(): Promise<void> {
    this.#line?.close()
    await this.target.close()
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** All that a broker says while it loses one directory, is started without it, and loses the other. */
async function story(one: Case): Promise<Record<string, unknown>> {
  const told: Record<string, unknown> = {}
  const [kept, lost] = one.dirs
  await one.start()
  await one.create(topic, partitions.length)
  const inKept = one.heldBy(kept, topic)
  const inLost = one.heldBy(lost, topic)
  told.spread = [inKept.length, inLost.length]
  told.before = await one.logDirs()
  one.lose(lost)
  await until('the loss is noticed', async () =>
    JSON.stringify(await one.logDirs()).includes('STORAGE'),
  )
  await until('the leaders are gone', async () =>
    (await one.answers(topic, inLost)).every((each: any) => each.metadata.leaderId === -1),
  )
  told.keptPartitions = await one.answers(topic, inKept)
  told.lostPartitions = await one.answers(topic, inLost)
  told.dirs = await one.logDirs()
  await one.create('after', 2)
  told.after = one.heldBy(kept, 'after')
  told.stopped = (await one.target.stop()) === (one.target.name === 'kafka' ? 143 : 0)
  await one.start()
  await until('the kept are led again', async () =>
    (await one.answers(topic, inKept)).every((each) => each.produce === 'NONE'),
  )
  told.restartedKept = await one.answers(topic, inKept)
  // Kafka says either to clients, as it happens: it opens nothing there.
  const gone = ['KAFKA_STORAGE_ERROR', 'NOT_LEADER_OR_FOLLOWER']
  told.restartedLost = (await one.answers(topic, inLost)).map((each) => ({
    ...each,
    ...Object.fromEntries(
      Object.entries(each).map(([what, said]) => [what, gone.includes(said as string) || said]),
    ),
  }))
  told.restartedDirs = await one.logDirs()
  one.lose(kept)
  told.exitCode = await one.target.ended(30_000)
  told.isStillAFile = existsSync(lost)
  return told
}

describe.skipIf(inject('javaMissing') !== null)('a failed log directory', () => {
  const cases: Case[] = []
  afterAll(() => Promise.all(cases.map((one) => one.close())))

  test(`${targetName} goes on without it as Kafka does`, { timeout: 180_000 }, async () => {
    cases.push(new Case('kafka'), new Case(targetName))
    const [theirs, ours] = await Promise.all(cases.map(story))
    if (process.env.ODRADEK_COMPAT_LOG === '1') console.log(JSON.stringify(theirs, null, 1))
    expect(ours).toEqual(theirs)
  })
})
