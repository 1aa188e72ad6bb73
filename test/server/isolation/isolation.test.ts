import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { offsetCommit } from '../../../src/protocol/messages/08-offset-commit.ts'
import { findCoordinator } from '../../../src/protocol/messages/10-find-coordinator.ts'
import { joinGroup } from '../../../src/protocol/messages/11-join-group.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { initProducerId } from '../../../src/protocol/messages/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { type AnyApi, zeroUuid } from '../../../src/protocol/schema.ts'
import type {
  Access,
  AclOperation,
  Authorizer,
  ResourceKind,
} from '../../../src/security/authorizer.ts'
import { Assembly } from '../../../src/server/assembly.ts'
import { until } from '../../compat/kafkajs/client.ts'
import { Names } from '../../compat/wire/names.ts'
import { Line } from '../../compat/wire/peer.ts'
import { smallBatch } from '../../compat/wire/small-batch.ts'
import { newSeeds, seeded } from '../../seeded.ts'
import { seededRandom } from '../../storage/logs.ts'
import { type Pools, randomRequest } from './random-request.ts'

/**
 * Non-interference: of two brokers one has a topic, a group and a transaction that a client has no
 * right to, the other has not. The client sends both the same random requests, of every key and
 * version, and must not be able to tell them apart.
 */
const open = 'open'
const secret = 'secret'
const absent = 'absent'

interface Hole {
  readonly kind: ResourceKind
  readonly operation: AclOperation
}

/** Allows everything on what begins with `open`; everything at all during the set-up. */
class Rules implements Authorizer {
  readonly usesAcls = true
  isSettingUp = true
  private readonly hole: Hole | null

  constructor(hole: Hole | null) {
    this.hole = hole
  }

  isAllowed({ kind, operation, name }: Access): boolean {
    if (this.isSettingUp) return true
    if (kind === this.hole?.kind && operation === this.hole.operation) return true
    return kind !== 'cluster' && name.startsWith(open)
  }

  isAllowedOnAny({ kind }: Omit<Access, 'name'>): boolean {
    return this.isSettingUp || kind !== 'cluster'
  }
}

/** One of the two brokers, and the client's connection to it. */
class Side {
  readonly #assembly: Assembly
  readonly #rules: Rules
  readonly #names: Names
  #line: Line

  private constructor(assembly: Assembly, rules: Rules) {
    this.#assembly = assembly
    this.#rules = rules
    this.#names = new Names(this.#port)
    this.#line = new Line(this.#port)
  }

  static async start(hole: Hole | null): Promise<Side> {
    const rules = new Rules(hole)
    const assembly = await Assembly.build({
      ...{ port: 0, memory: true, logger: silentLogger, clock: systemClock },
      ...{ random: seededRandom(1), authorizer: rules, onHalt: () => {} },
      settings: {
        'group.initial.rebalance.delay.ms': 0,
        'offsets.topic.num.partitions': 1,
        'transaction.state.log.num.partitions': 1,
      },
    })
    return new Side(assembly, rules)
  }

  get #port(): number {
    return this.#assembly.addressesOf(1)[0]!.port
  }

  /** The answer, with names for what a broker chooses by itself. */
  async ask(api: AnyApi, version: number, body: object): Promise<any> {
    const answer = await this.#line.ask(api, version, body)
    if (typeof answer === 'string') {
      this.#line.close()
      this.#line = new Line(this.#port)
    }
    return answer
  }

  plain(answer: unknown): string {
    const text = JSON.stringify(this.#names.plain(answer))
    const timeless = text.replaceAll(/(TimeMs|Timestamp)":\d{13}/g, '$1":TIME')
    // Both brokers have made their topics with random ids.
    return timeless
      .replaceAll(/topicId":"(?!A{22})[\w-]{22}"/g, 'topicId":"ID"')
      .replaceAll(/ (?!A{22})[\w-]{22} /g, ' ID ')
  }

  /** Makes a topic with a record, a group with a member and an offset, and a transaction. */
  async make(name: string): Promise<Pools> {
    const draft = { numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
    const made = await this.ask(createTopics, 7, { topics: [{ name, ...draft }], timeoutMs: 5_000 })
    const topicId = made.topics[0].topicId
    for (const keyType of [0, 1]) {
      const coordinatorKeys = [name]
      const isFound = async () => {
        const found = await this.ask(findCoordinator, 6, { keyType, coordinatorKeys })
        return found.coordinators[0].errorCode === 0
      }
      await until('a coordinator is there', isFound)
    }
    const partitionData = [{ index: 0, records: smallBatch(3) }]
    const produced = { transactionalId: null, acks: -1, timeoutMs: 5_000 }
    await this.ask(produce, 9, { ...produced, topicData: [{ name, partitionData }] })
    const joined = await this.#join(name)
    const committed = { partitionIndex: 0, committedOffset: 2, committedMetadata: '' }
    const topics = [{ name, partitions: [committed] }]
    const commit = { groupId: name, memberId: joined, generationIdOrMemberEpoch: 1, topics }
    await this.ask(offsetCommit, 8, commit)
    const { producerId, producerEpoch } = await this.#begin(name)
    const resources = [
      { resourceType: 2, resourceName: name, configs: [change('retention.ms', '1000000')] },
      {
        resourceType: 32,
        resourceName: name,
        configs: [change('consumer.session.timeout.ms', '46000')],
      },
    ]
    await this.ask(incrementalAlterConfigs, 1, { resources, validateOnly: false })
    expect({ topicId, producerEpoch }).toMatchObject({
      topicId: expect.any(String),
      producerEpoch: 0,
    })
    return {
      names: [name],
      refusedNames: [],
      memberIds: [joined],
      topicIds: [topicId],
      producerIds: [producerId],
    }
  }

  async #join(groupId: string): Promise<string> {
    const protocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    const request = {
      ...{ groupId, sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000, memberId: '' },
      ...{ groupInstanceId: null, protocolType: 'consumer', protocols, reason: null },
    }
    const { memberId } = await this.ask(joinGroup, 9, request)
    await this.ask(joinGroup, 9, { ...request, memberId })
    return memberId
  }

  async #begin(transactionalId: string): Promise<{ producerId: number; producerEpoch: number }> {
    const producer = await this.ask(initProducerId, 4, { transactionalId, ...newProducer })
    await this.ask(addPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: [{ name: transactionalId, partitions: [0] }],
    })
    return producer
  }

  /** From here on the client has its rights only. */
  endSetUp(): void {
    this.#rules.isSettingUp = false
  }

  async stop(): Promise<void> {
    this.#line.close()
    await this.#assembly.close()
  }
}

/** Kafka's AlterShareGroupOffsets names the id of a topic that the client may not read. */
function isToldByKafka(api: AnyApi, having: string, lacking: string): boolean {
  const untold = (answer: string) => answer.replaceAll(`"${zeroUuid}"`, '"ID"')
  return api.name === 'AlterShareGroupOffsets' && untold(having) === untold(lacking)
}

const newProducer = { transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
const change = (name: string, value: string) => ({ name, configOperation: 0, value })

/** @returns the first request by which the two can be told apart, and how; null if there is none. */
async function difference(seed: number, count: number, hole: Hole | null): Promise<string | null> {
  const [having, lacking] = await Promise.all([Side.start(hole), Side.start(hole)])
  try {
    const [visible] = [await having.make(open), await lacking.make(open)]
    const hidden = await having.make(secret)
    // Producer ids are counted: the next one is to be the same on both.
    await lacking.ask(initProducerId, 4, { transactionalId: null, ...newProducer })
    having.endSetUp()
    lacking.endSetUp()
    const pools: Pools = {
      names: [open, secret, absent, ''],
      refusedNames: [secret, absent],
      memberIds: ['', 'm', ...visible.memberIds, ...hidden.memberIds],
      // Kafka tells a denied id from an unknown one: only who has seen a topic knows its id.
      topicIds: [...visible.topicIds, 'AAAAAAAAAAAAAAAAAAAAZw'],
      producerIds: [-1, ...visible.producerIds, ...hidden.producerIds, 9_999],
    }
    const dice = seeded(seed)
    for (let i = 0; i < count; i++) {
      const { api, version, body } = randomRequest(dice, pools)
      const a = having.plain(await having.ask(api, version, body))
      const b = lacking.plain(await lacking.ask(api, version, body))
      if (a !== b && !isToldByKafka(api, a, b))
        return `${api.name} v${version} ${having.plain(body)}\n${a}\n${b}`
    }
    return null
  } finally {
    await Promise.all([having.stop(), lacking.stop()])
  }
}

test.each(newSeeds())(
  'what a client has no right to is as if it were absent (ODRADEK_SEED=%d)',
  async (seed) => {
    expect(await difference(seed, 3_000, null)).toBeNull()
  },
)

/** Each hole lets everybody do one operation. */
const holes: readonly Hole[] = [
  { kind: 'topic', operation: 'READ' },
  { kind: 'topic', operation: 'WRITE' },
  { kind: 'topic', operation: 'DESCRIBE' },
  { kind: 'topic', operation: 'DELETE' },
  { kind: 'topic', operation: 'ALTER' },
  { kind: 'topic', operation: 'DESCRIBE_CONFIGS' },
  { kind: 'topic', operation: 'ALTER_CONFIGS' },
  { kind: 'group', operation: 'READ' },
  { kind: 'group', operation: 'DESCRIBE' },
  { kind: 'group', operation: 'DELETE' },
  { kind: 'transactionalId', operation: 'DESCRIBE' },
  { kind: 'transactionalId', operation: 'WRITE' },
]

test.each(holes)('a planted hole is found: $operation of $kind', async (hole) => {
  expect(await difference(1, 20_000, hole)).not.toBeNull()
})
