import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { initProducerId } from '../../../src/protocol/messages/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/26-end-txn.ts'
import { describeTransactions } from '../../../src/protocol/messages/65-describe-transactions.ts'
import { batchesIn, type CodecName } from '../../../src/protocol/records/batch.ts'
import { writeCompressedBatch } from '../../../src/protocol/records/record.ts'
import { zeroUuid } from '../../../src/protocol/schema.ts'
import { inOrder } from '../../../src/server/produced-partitions.ts'
import { until } from '../kafkajs/client.ts'
import type { Peer } from './peer.ts'
import { newProducer } from './producers.ts'
import type { Scenario } from './scenario.ts'
import { smallBatch } from './small-batch.ts'
import { makeTopic, nobodysId } from './topics.ts'

type Responses = Parameters<typeof inOrder>[0]

interface Asked {
  readonly name: string
  readonly topicId: string
  readonly partitionData: readonly { readonly index: number }[]
}

const orderOf = (responses: Responses) =>
  JSON.stringify(
    responses.map(({ name, topicId, partitionResponses }) => [
      name,
      topicId,
      partitionResponses.map(({ index }) => index),
    ]),
  )

/** Compares the answers in the order of the request. */
function asAsked(topicData: readonly Asked[], found: Responses, version: number): Responses {
  return topicData.flatMap((asked) => {
    const same = (one: Responses[number]) =>
      version < 13 ? one.name === asked.name : one.topicId === asked.topicId
    const response = found.find(same)
    if (response === undefined) return []
    const partitionResponses = asked.partitionData.map(
      ({ index }) => response.partitionResponses.find((one) => one.index === index)!,
    )
    return [{ ...response, partitionResponses }]
  })
}

/** Topics and partitions in a particular order, some of which do not exist. */
const orderScenario: Scenario = {
  api: produce,
  title: 'several topics and partitions',
  run: async (peer, version) => {
    const places: Record<string, string> = {}
    for (const letter of ['c', 'a', 'z', 'b', 'AaAa', 'BBBB', 'AaBB']) {
      const name = `order.${letter}.${version}`
      places[letter] = await makeTopic(peer, name, { numPartitions: 3 })
    }
    const topic = (
      letter: string,
      ...partitions: readonly (number | readonly [number, Buffer])[]
    ) => ({
      name: `order.${letter}.${version}`,
      topicId: places[letter] ?? nobodysId,
      partitionData: partitions.map((one) =>
        typeof one === 'number'
          ? { index: one, records: smallBatch(1) }
          : { index: one[0], records: one[1] },
      ),
    })
    const ids = new Map(Object.values(places).map((id) => [id, id]))
    const idOf = (name: string) => places[name.split('.')[1]!] ?? zeroUuid
    const nameOf = (id: string) => Object.keys(places).find((letter) => places[letter] === id)
    let acks = -1
    const ask = async (...topicData: Asked[]) => {
      const asked = { transactionalId: null, acks, timeoutMs: 5_000, topicData }
      const answer = await peer.ask(produce, version, asked)
      // Topic ids differ between brokers, and the order follows their hashes.
      const found = answer.responses as Parameters<typeof inOrder>[0]
      const expected = inOrder(
        asAsked(topicData, found, version),
        ({ name = '', topicId = zeroUuid }) =>
          version < 13
            ? { id: idOf(name), name }
            : { id: topicId, name: ids.has(topicId) ? `order.${nameOf(topicId)}.${version}` : '' },
      )
      peer.note(
        `is in the order of the hashes, acks ${acks}, ${orderOf(found).length > 0 ? topicData.map((one) => `${one.name.split('.')[1]} ${one.partitionData.map(({ index }) => index)}`) : ''}`,
        orderOf(found) === orderOf(expected),
      )
    }
    const broken = smallBatch(1)
    broken[broken.length - 1]! ^= 1
    const late = smallBatch(1, { baseOffset: 5 })
    for (acks of [-1, 1]) {
      await ask(topic('c', 2, 0))
      await ask(topic('b', 0, 1, 2))
      await ask(topic('c', 2), topic('a', 1), topic('b', 0))
      await ask(topic('z', 2), topic('BBBB', 1), topic('b', 0), topic('AaAa', 2))
      await ask(topic('z', 2, 9), topic('b', 0))
      await ask(topic('nobody', 2), topic('b', 0), topic('a', 9))
      await ask(topic('c', 2, 0, 1), topic('a', 1), topic('b', 0, 2))
    }
    acks = -1
    await ask(topic('z', 1, 0), topic('b', 2, 9, 0), topic('a', 2, 1, 0))
    await ask(topic('nobody', 1, 0), topic('b', 2, 0), topic('nothing', 0), topic('a', 1))
    await ask(topic('b', [1, broken], 0), topic('a', 9), topic('c', [2, late], 1, [0, broken]))
    await ask(topic('BBBB', 1), topic('AaAa', 2, 0), topic('AaBB', 1), topic('a', 0))
    await ask(topic('AaBB', 1), topic('BBBB', 1, 9), topic('AaAa', 2, 0))
    await ask(
      ...['z', 'c', 'nobody', 'b', 'a', 'BBBB', 'AaAa'].map((one) => topic(one, 2, 0, 9, 1)),
    )
  },
}

/** A transaction without partitions that is begun and ended. */
const emptyTransactionScenario: Scenario = {
  api: endTxn,
  title: 'after AddPartitionsToTxn with no partitions',
  run: async (peer, version) => {
    for (const [addVersion, committed] of [
      [0, true],
      [3, false],
      [4, true],
      [5, true],
    ] as const) {
      const transactionalId = `empty.${version}.${addVersion}`
      const { producerId, producerEpoch } = await newProducer(peer, transactionalId)
      const own = { transactionalId, producerId, producerEpoch, verifyOnly: false, topics: [] }
      await peer.ask(addPartitionsToTxn, addVersion, {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: [],
        transactions: [own],
      })
      await peer.ask(endTxn, version, { transactionalId, producerId, producerEpoch, committed })
      // Kafka ends it after the answer.
      await until(`${transactionalId} is complete`, async () =>
        /Complete|Empty/.test((await stateOf(peer, transactionalId)).transactionState),
      )
      await peer.ask(endTxn, version, { transactionalId, producerId, producerEpoch, committed })
      await describe(peer, transactionalId)
      await peer.ask(initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })
    }
  },
}

async function stateOf(peer: Peer, transactionalId: string) {
  const asked = { transactionalIds: [transactionalId] }
  return (await peer.quietly(describeTransactions, 0, asked)).transactionStates[0]
}

async function describe(peer: Peer, transactionalId: string): Promise<void> {
  const state = await stateOf(peer, transactionalId)
  const transactionStartTimeMs = state.transactionStartTimeMs > 0 ? 'TIME' : -1
  peer.note(`DescribeTransactions of ${transactionalId}`, { ...state, transactionStartTimeMs })
}

const mebibyte = 1 << 20

/** 150 MB of zeros, which every codec compresses well. */
function large(codec: CodecName, isOne: boolean): Promise<Buffer> {
  const value = Buffer.alloc(isOne ? 150 * mebibyte : mebibyte)
  const one = { key: null, value, timestampMs: 1_700_000_000_000 }
  const records = Array.from({ length: isOne ? 1 : 150 }, () => one)
  return writeCompressedBatch({ records }, codec)
}

/** Small batches that decompress to more than 128 MB. */
const largeScenarios: readonly Scenario[] = (['gzip', 'zstd'] as const).map((codec) => ({
  api: produce,
  title: `150 MB in ${codec}`,
  versions: [13],
  answerMs: 60_000,
  run: async (peer, version) => {
    for (const [name, config] of [
      [`large.${codec}`, 'producer'],
      [`large.${codec}.other`, codec === 'zstd' ? 'lz4' : 'zstd'],
    ] as const) {
      const configs = [
        { name: 'compression.type', value: config },
        { name: 'max.message.bytes', value: String(64 * mebibyte) },
        { name: 'retention.ms', value: '-1' },
      ]
      const topicId = await makeTopic(peer, name, { configs })
      for (const isOne of [false, true]) {
        const partitionData = [{ index: 0, records: await large(codec, isOne) }]
        const topicData = [{ name, topicId, partitionData }]
        const asked = { transactionalId: null, acks: -1, timeoutMs: 60_000, topicData }
        const answer = await peer.quietly(produce, version, asked)
        peer.note(`Produce to ${name}, ${isOne ? 'one record' : '150 records'}`, answer)
      }
      const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 28 }]
      const { responses } = await peer.quietly(fetch, 12, {
        ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 28, forgottenTopicsData: [] },
        topics: [{ topic: name, topicId, partitions }],
      })
      const { records, ...rest } = responses[0].partitions[0]
      peer.note(`Fetch of ${name}`, rest)
      const batches = [...batchesIn(records ?? Buffer.alloc(0))]
      peer.note(
        `${name}: its batches`,
        batches.map(({ baseOffset, lastOffset, codec: by }) => [baseOffset, lastOffset, by]),
      )
    }
  },
}))

export const answerScenarios = [orderScenario, emptyTransactionScenario, ...largeScenarios]
