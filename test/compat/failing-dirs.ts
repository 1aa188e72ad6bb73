import { mkdirSync, readdirSync } from 'node:fs'
import { errorName } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/23-offset-for-leader-epoch.ts'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.ts'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.ts'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.ts'
import { Batch } from '../../src/protocol/records/batch.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import { until } from './kafkajs/client.ts'
import { type Settings, Target, type TargetName } from './targets.ts'
import { Line } from './wire/peer.ts'

/**
 * A broker with several data directories, some of which are lost. The first has the metadata log.
 */
export class Case {
  readonly dirs: readonly string[]
  readonly target: Target
  #line: Line | null = null

  /** @param dirs are created if they do not exist. */
  constructor(name: TargetName, dirs: readonly string[], settings: Settings = {}) {
    this.dirs = dirs
    for (const dir of dirs) mkdirSync(dir, { recursive: true })
    this.target = new Target(name, {
      dataDir: dirs[0],
      settings: {
        'log.dirs': dirs.join(','),
        'metadata.log.dir': dirs[0]!,
        'offsets.topic.num.partitions': 2,
        'log.dir.failure.timeout.ms': 30_000,
        ...settings,
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

  /** The partitions of a topic in a directory. */
  heldBy(dir: string, name: string): number[] {
    const prefix = `${name}-`
    return readdirSync(dir)
      .filter((one) => one.startsWith(prefix))
      .map((one) => Number(one.slice(prefix.length)))
      .toSorted((a, b) => a - b)
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

  /** The answers of each partition to the requests of clients. */
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

  /** Writes one record. @returns the error and the record's offset. */
  async produce(name: string, index: number, value: Buffer, key: Buffer | null = null) {
    const records = writeBatch({ records: [{ key, value, timestampMs: 5 }] })
    const answer = await this.ask(produce, 9, {
      ...{ transactionalId: null, acks: -1, timeoutMs: 3_000 },
      topicData: [{ name, partitionData: [{ index, records }] }],
    })
    if (typeof answer === 'string') return { error: answer, offset: -1 }
    const { errorCode, baseOffset } = answer.responses[0].partitionResponses[0]
    return { error: errorName(errorCode), offset: Number(baseOffset) }
  }

  /** Changes a topic's configuration. */
  async configure(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const configs = Object.entries(settings).map(([key, value]) => ({
      ...{ name: key, value, configOperation: 0 },
    }))
    const resources = [{ resourceType: 2, resourceName: name, configs }]
    await this.ask(incrementalAlterConfigs, 1, { resources, validateOnly: false })
  }

  /** Reads a batch at an offset. @returns it, or the error. */
  async fetch(name: string, index: number, offset: number) {
    const answer = await this.ask(fetch, 12, {
      ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1, isolationLevel: 0 },
      topics: [
        {
          topic: name,
          partitions: [{ partition: index, fetchOffset: offset, partitionMaxBytes: 1 }],
        },
      ],
    })
    if (typeof answer === 'string') return { error: answer }
    const { errorCode, highWatermark, logStartOffset, records } = answer.responses[0].partitions[0]
    const bytes: Buffer | null = Array.isArray(records) ? Buffer.concat(records) : records
    return {
      error: errorName(errorCode),
      highWatermark: Number(highWatermark),
      logStartOffset: Number(logStartOffset),
      records: bytes === null || bytes.length === 0 ? [] : await readRecords(new Batch(bytes)),
    }
  }

  /** An offset by time, or by a special value (-1, -2). */
  async offsetAt(name: string, index: number, timestamp: number) {
    const answer = await this.ask(listOffsets, 7, {
      ...{ replicaId: -1, isolationLevel: 0 },
      topics: [{ name, partitions: [{ partitionIndex: index, timestamp }] }],
    })
    if (typeof answer === 'string') return { error: answer, offset: -1 }
    const { errorCode, offset } = answer.topics[0].partitions[0]
    return { error: errorName(errorCode), offset: Number(offset) }
  }

  /** All records of a partition: the values by offset. */
  async values(name: string, index: number): Promise<Record<number, string>> {
    const found: Record<number, string> = {}
    for (let offset = 0; ; ) {
      const { error, records = [] } = await this.fetch(name, index, offset)
      if (error !== 'NONE') throw new Error(`${name}-${index} at ${offset}: ${error}`)
      if (records.length === 0) return found
      for (const record of records) found[record.offset] = record.value?.toString('latin1') ?? ''
      offset = records.at(-1)!.offset + 1
    }
  }

  /** Creates a topic, and writes at least one record to each partition. */
  async create(name: string, numPartitions: number): Promise<void> {
    await this.createEmpty(name, numPartitions)
    await until(`${name} can be written to`, async () => {
      const asked = await this.answers(
        name,
        Array.from({ length: numPartitions }, (_, i) => i),
      )
      return asked.every((one) => one.produce === 'NONE')
    })
  }

  /** Creates a topic; resolves when all its partitions have leaders. */
  async createEmpty(name: string, numPartitions: number): Promise<void> {
    const topics = [{ name, numPartitions, replicationFactor: 1 }]
    await until(`${name} is made`, async () => {
      const made = await this.ask(createTopics, 7, { topics, timeoutMs: 10_000 })
      if (typeof made === 'string') return false
      return ['NONE', 'TOPIC_ALREADY_EXISTS'].includes(errorName(made.topics[0].errorCode) ?? '')
    })
    for (let index = 0; index < numPartitions; index++) {
      const isLed = async () => (await this.offsetAt(name, index, -1)).error === 'NONE'
      await until(`${name}-${index} is led`, isLed)
    }
  }

  async close(): Promise<void> {
    this.#line?.close()
    await this.target.close()
  }
}
