import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import { type BrokerMetadata, MetadataController } from '../../src/metadata/metadata.ts'
import { metadataRecord } from '../../src/metadata/records.ts'
import { topicRecord } from '../../src/protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../../src/protocol/stored/metadata/03-partition-record.ts'
import type { RemoteMarkers } from '../../src/server/remote-markers.ts'
import { deliver } from '../../src/server/transactions.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAg'
const marker = {
  ...{
    producerId: 7,
    producerEpoch: 0,
    isCommit: true,
    transactionVersion: 2,
    coordinatorEpoch: 0,
  },
}

/** A controller whose log keeps nothing. Its image can be held back. */
function controller(append?: () => Promise<void>) {
  let nextOffset = 0
  const log = {
    get nextOffset() {
      return nextOffset
    },
    epoch: 1,
    isFollowedRemotely: false,
    leadAbove: () => Promise.resolve(),
    append: append ?? (async (values: readonly Buffer[]) => void (nextOffset += values.length)),
  }
  const metadata = new MetadataController({
    ...{ log, image: emptyImage, settings: new BrokerSettings(new Map()) },
    ...{ clock: systemClock, random: systemRandom, logger: silentLogger, turns: endlessTurn },
  })
  return metadata
}

const makeTopic = () => ({
  records: [
    metadataRecord(topicRecord, { name: 'fresh', topicId }),
    metadataRecord(partitionRecord, {
      ...{ partitionId: 0, topicId, replicas: [2], isr: [2], leader: 2, leaderEpoch: 0 },
      ...{ partitionEpoch: 0, directories: [topicId] },
      ...{ removingReplicas: [], addingReplicas: [] },
    }),
  ],
  answer: undefined,
})

/** Broker 1 coordinates, broker 2 leads; the markers that broker 2 gets are recorded. */
function marking(metadata: MetadataController) {
  const written: string[] = []
  const remoteMarkers = {
    write: async (brokerId: number, topic: string, index: number) =>
      void written.push(`${topic}-${index} on ${brokerId}`),
  } as unknown as RemoteMarkers
  const seen: BrokerMetadata = {
    get image() {
      return metadata.image
    },
    listen: (name, listener) => metadata.listen(name, listener),
    inStep: () => Promise.resolve(),
    refreshed: () => metadata.submit(() => ({ records: [], answer: undefined })),
  }
  const rooms = {
    ...{ brokerId: 1, metadata: seen, remoteMarkers, clock: systemClock },
    ...{ partitions: undefined as never, groups: undefined as never },
  }
  return { written, deliver: () => deliver('fresh', 0, marker, rooms) }
}

test('a topic that the image does not show yet gets its marker once it does', async () => {
  const metadata = controller()
  let release = () => {}
  metadata.listen('slow', () => new Promise<void>((resolve) => (release = resolve)))
  const made = metadata.submit(makeTopic)
  await new Promise((resolve) => setImmediate(resolve))
  expect(metadata.image.topics.get('fresh')).toBeUndefined()

  const { written, deliver: send } = marking(metadata)
  const sent = send()
  let isDone = false
  void sent.then(() => (isDone = true))
  await new Promise((resolve) => setImmediate(resolve))
  expect(isDone).toBe(false)
  release()
  await Promise.all([made, sent])
  expect(written).toEqual(['fresh-0 on 2'])
})

test('a topic that is gone needs no marker', async () => {
  const { written, deliver: send } = marking(controller())
  await send()
  expect(written).toEqual([])
})

test('while the controller cannot be asked nothing is taken for gone', async () => {
  const metadata = controller(() => Promise.reject(new Error('the disk is full')))
  await expect(metadata.submit(makeTopic)).rejects.toThrow()
  const { written, deliver: send } = marking(metadata)
  await expect(send()).rejects.toThrow()
  expect(written).toEqual([])
})
