import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { describeProducers } from '../../../src/protocol/messages/61-describe-producers.ts'
import type { Peer } from './peer.ts'
import { newProducer } from './producers.ts'
import type { Scenario } from './scenario.ts'
import { smallBatch } from './small-batch.ts'
import { makeTopic } from './topics.ts'

const asProduce = (name: string, topicId: string, records: Buffer) => ({
  transactionalId: null,
  acks: -1,
  timeoutMs: 5_000,
  topicData: [{ name, topicId, partitionData: [{ index: 0, records }] }],
})

/** A batch with the given length field: `length` bytes follow the field itself. */
function saying(length: number, magic = 2): Buffer {
  const batch = smallBatch(1)
  batch.writeInt32BE(length, 8)
  batch[16] = magic
  return batch
}

/** Invalid or incomplete batches by name. */
function* fragments(): Generator<[string, Buffer]> {
  for (const filling of [0x00, 0x11, 0xff]) {
    for (const length of [0, 1, 11, 12, 13, 16, 17, 18]) {
      yield [`${length} bytes of ${filling}`, Buffer.alloc(length, filling)]
    }
  }
  const lengths = [
    -1,
    13,
    14,
    48,
    49,
    0x7fffffff - 13,
    0x7fffffff - 12,
    0x7fffffff - 11,
    0x7fffffff,
  ]
  for (const length of lengths) {
    for (const magic of [1, 2]) yield [`length ${length}, magic ${magic}`, saying(length, magic)]
  }
}

async function askFragments(peer: Peer, version: number): Promise<void> {
  const name = `fragments.${version}`
  const topicId = await makeTopic(peer, name)
  const ask = async (title: string, records: Buffer) => {
    const answer = await peer.quietly(produce, version, asProduce(name, topicId, records))
    peer.note(title, answer)
    if (typeof answer === 'string') peer.reconnect()
  }
  for (const [title, bytes] of fragments()) {
    await ask(title, bytes)
    await ask(`${title}, behind a batch`, Buffer.concat([smallBatch(1), bytes]))
  }
}

async function askEpochs(peer: Peer, version: number): Promise<void> {
  const name = `negative-epochs.${version}`
  const topicId = await makeTopic(peer, name)
  let producerId = 10_000
  for (const producerEpoch of [-1, -2, -32_768]) {
    for (const first of [0, 1]) {
      producerId++
      const send = (baseSequence: number, epoch = producerEpoch) => {
        const records = smallBatch(1, { producerId, producerEpoch: epoch, baseSequence })
        return peer.ask(produce, version, asProduce(name, topicId, records))
      }
      await send(first)
      await send(first)
      await send(first + 1)
      await send(3, 0)
      await send(0, 0)
    }
  }
  await peer.ask(describeProducers, 0, { topics: [{ name, partitionIndexes: [0] }] })
}

async function askAdded(peer: Peer, version: number): Promise<void> {
  const name = `added.${version}`
  const transactionalId = `added.${version}`
  await makeTopic(peer, name, { numPartitions: 2 })
  const producer = await newProducer(peer, transactionalId)
  const ask = (topics: object[], verifyOnly = false) =>
    peer.ask(addPartitionsToTxn, version, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: topics,
      transactions: [{ transactionalId, ...producer, verifyOnly, topics }],
    })
  const internal = '__transaction_state'
  for (const verifyOnly of version < 4 ? [false] : [false, true]) {
    await ask([{ name, partitions: [0, 0] }], verifyOnly)
    await ask([{ name, partitions: [] }], verifyOnly)
    await ask([{ name, partitions: [1, 1] }], verifyOnly)
    await ask(
      [0, 1].map((one) => ({ name, partitions: [one] })),
      verifyOnly,
    )
  }
  if (version < 4) await ask([{ name: internal, partitions: [0] }])
}

/**
 * Writes that no client sends: truncated batches, negative epochs, internal topics in transactions.
 */
export const oddWriteScenarios: readonly Scenario[] = [
  { api: produce, title: 'of bytes that are no batch', run: askFragments },
  { api: produce, title: 'of epochs below zero', versions: [8, 11, 13], run: askEpochs },
  { api: addPartitionsToTxn, title: 'of what is named twice, or internal', run: askAdded },
  {
    api: describeProducers,
    title: 'of topics that are not there',
    run: async (peer, version) => {
      await makeTopic(peer, 'described')
      const names = ['absent', '', 'described']
      const topics = names.map((name) => ({ name, partitionIndexes: [0, 7, -1, 0] }))
      await peer.ask(describeProducers, version, { topics })
    },
  },
]
