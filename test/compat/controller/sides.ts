import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, randomUuid } from '../../../src/metadata/controller/controller.ts'
import { partitionRecords } from '../../../src/metadata/controller/create-topics.ts'
import { partitionChange } from '../../../src/metadata/controller/partition-change.ts'
import { TopicRules } from '../../../src/metadata/controller/partition-rules.ts'
import { reassignmentTo } from '../../../src/metadata/controller/reassignment.ts'
import { topicConfigRecords } from '../../../src/metadata/controller/topic-configs.ts'
import { metadataRecord } from '../../../src/metadata/records.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { alterPartitionReassignments } from '../../../src/protocol/messages/45-alter-partition-reassignments.ts'
import { describeCluster } from '../../../src/protocol/messages/60-describe-cluster.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'
import { topicRecord } from '../../../src/protocol/stored/metadata/02-topic-record.ts'
import { startController } from '../../server/controller/listening-controller.ts'
import { freePort } from '../free-port.ts'
import { getKafka } from '../kafka/jars.ts'
import { startJava } from '../kafka/java.ts'
import { until } from '../kafkajs/client.ts'
import { Line } from '../wire/peer.ts'

/** One of the two controllers that are compared. */
export interface ControllerSide {
  readonly name: string
  readonly nodeId: number
  readonly clusterId: string
  readonly directoryId: string
  /** Of its listener on this machine. */
  readonly port: number
  ask(api: AnyApi, version: number, body: object): Promise<any>
  /** Makes a topic with any number of replicas. @returns its id. */
  makeTopic(topic: NewTopic): Promise<string>
  /** Begins a reassignment to any brokers. */
  reassign(topic: string, replicas: readonly number[]): Promise<void>
  close(): Promise<void>
}

export interface NewTopic {
  readonly name: string
  /** The replicas of each partition. */
  readonly replicas: readonly (readonly number[])[]
  readonly configs?: Readonly<Record<string, string>>
}

export type ControllerSettings = Readonly<Record<string, string>>

const nodeId = 3000
const clusterId = '5bLNs3gXQVCpHYQ1Wd0b8A'

/** Idle records would move the log between a question and its answer. */
const quiet = { 'metadata.max.idle.interval.ms': '0' }

/** Starts an Apache Kafka controller, the only voter of a new quorum. */
export async function startKafkaController(settings: ControllerSettings): Promise<ControllerSide> {
  await getKafka()
  const dir = mkdtempSync(join(tmpdir(), 'kafka-controller-'))
  const port = await freePort()
  const file = join(dir, 'server.properties')
  const at = `127.0.0.1:${port}`
  const properties = {
    ...{ 'process.roles': 'controller', 'node.id': nodeId, 'log.dirs': join(dir, 'data') },
    ...{ listeners: `CONTROLLER://${at}`, 'advertised.listeners': `CONTROLLER://${at}` },
    ...{ 'controller.listener.names': 'CONTROLLER', 'controller.quorum.bootstrap.servers': at },
    ...quiet,
    ...settings,
  }
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(file, lines.join(''))
  const args = ['format', '-t', clusterId, '-c', file, '--standalone']
  const formatted = startJava('kafka.tools.StorageTool', args, { classes: 'server' })
  const { code } = await formatted.end(60_000)
  if (code !== 0) throw new Error(`kafka-storage format: ${formatted.describe()}`)
  const program = startJava('kafka.Kafka', [file], { classes: 'server' })
  await program.until(/Kafka Server started/, 60_000)
  const meta = readFileSync(join(dir, 'data', 'meta.properties'), 'utf8')
  const line = new Line(port, 15_000)
  // It registers itself after it has begun to serve.
  await until('the controller has registered', async () => {
    const asked = { includeClusterAuthorizedOperations: false, endpointType: 2 }
    return (await line.ask(describeCluster, 1, asked)).brokers.length > 0
  })
  return {
    ...{ name: 'kafka', nodeId, clusterId, port },
    directoryId: /directory\.id=(.*)/.exec(meta)![1]!,
    ask: (api, version, body) => line.ask(api, version, body),
    async makeTopic({ name, replicas, configs = {} }) {
      const assignments = replicas.map((brokerIds, partitionIndex) => ({
        ...{ partitionIndex, brokerIds },
      }))
      const topic = {
        ...{ name, numPartitions: -1, replicationFactor: -1, assignments },
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      }
      const asked = { topics: [topic], timeoutMs: 30_000, validateOnly: false }
      const { topics } = await line.ask(createTopics, 7, asked)
      if (topics[0].errorCode !== 0) throw new Error(`${name}: ${topics[0].errorMessage}`)
      return topics[0].topicId
    },
    async reassign(name, replicas) {
      const topics = [{ name, partitions: [{ partitionIndex: 0, replicas }] }]
      const answer = await line.ask(alterPartitionReassignments, 1, {
        ...{ timeoutMs: 30_000, allowReplicationFactorChange: true, topics },
      })
      const { errorCode, errorMessage } = answer.responses[0].partitions[0]
      if (errorCode !== 0) throw new Error(`${name}: ${errorMessage}`)
    },
    async close() {
      line.close()
      await program.kill('SIGKILL')
      rmSync(dir, { recursive: true })
    },
  }
}

/** Opens odradek's controller. */
export async function startOdradekController(
  settings: ControllerSettings,
): Promise<ControllerSide> {
  const started = await startController({ ...quiet, ...settings })
  const { directoryId, metadata, port } = started
  const line = new Line(port, 15_000)
  return {
    ...{ name: 'odradek', nodeId, clusterId, directoryId, port },
    ask: (api, version, body) => line.ask(api, version, body),
    // Its own requests refuse what would copy data between brokers.
    makeTopic: (topic) => metadata.submit(newTopic(topic)),
    reassign: (name, replicas) => metadata.submit(reassignment(name, replicas)),
    async close() {
      line.close()
      await started.close()
    },
  }
}

function newTopic({ name, replicas, configs = {} }: NewTopic): Command<string> {
  return ({ image, random }) => {
    const topicId = randomUuid(random)
    const records = [
      metadataRecord(topicRecord, { name, topicId }),
      ...topicConfigRecords(image, name, new Map(Object.entries(configs))),
      ...partitionRecords(image, topicId, { replicas, isAssigned: true }, 0),
    ]
    return { records, answer: topicId }
  }
}

function reassignment(name: string, wanted: readonly number[]): Command<void> {
  return (view) => {
    const topic = view.image.topics.get(name)!
    const target = reassignmentTo(topic.partitions[0]!.replicas, wanted)
    const record = partitionChange(new TopicRules(view, topic).of(0), target)
    return { records: record === null ? [] : [record], answer: undefined }
  }
}
