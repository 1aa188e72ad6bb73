import { expect, test } from 'vitest'
import { resourceTypes } from '../../src/metadata/config/keys.ts'
import { ImageDelta } from '../../src/metadata/delta.ts'
import { directoryIds, sortedDirectories } from '../../src/metadata/directories.ts'
import { configKey, emptyImage, type Image } from '../../src/metadata/image.ts'
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
  metadataRecord,
} from '../../src/metadata/records.ts'
import { isReplayed, replayRecord } from '../../src/metadata/replay-records.ts'
import { data, int32, Malformed } from '../../src/protocol/schema.ts'
import { stored } from '../../src/protocol/stored/index.ts'
import { topicRecord } from '../../src/protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../../src/protocol/stored/metadata/03-partition-record.ts'
import { configRecord } from '../../src/protocol/stored/metadata/04-config-record.ts'
import { removeTopicRecord } from '../../src/protocol/stored/metadata/09-remove-topic-record.ts'
import { clearElrRecord } from '../../src/protocol/stored/metadata/28-clear-elr-record.ts'

test('every record type of the metadata log is replayed, or known to have no effect', () => {
  expect(stored.metadata!.filter(({ key }) => !isReplayed(key!)).map(({ name }) => name)).toEqual(
    [],
  )
  expect(stored.metadata!.length).toBeGreaterThan(25)
})

test('a record of an unknown type is refused, not skipped', () => {
  const of = data({ name: 'Later', key: 99, versions: [0, 0], flexible: 0, fields: { id: int32 } })
  const delta = new ImageDelta(emptyImage)
  expect(() => replayRecord(delta, { of, version: 0, value: { id: 1 } }, 7)).toThrow(Malformed)
  expect(delta.offset).toBe(emptyImage.offset)
})

test('ClearElr changes only partitions with such state, and raises their partition epoch', () => {
  const id = (name: string) => name.padEnd(22, 'A')
  const topic = (name: string, elr: readonly number[]) => {
    const same = { topicId: id(name), replicas: [1, 2], isr: [1], leader: 1, leaderEpoch: 3 }
    const no = { removingReplicas: [], addingReplicas: [], directories: [id('d'), id('e')] }
    const partition = { ...same, ...no, partitionEpoch: 7 }
    return [
      metadataRecord(topicRecord, { name, topicId: id(name) }),
      metadataRecord(partitionRecord, { ...partition, partitionId: 0 }),
      metadataRecord(partitionRecord, {
        ...{ ...partition, partitionId: 1, eligibleLeaderReplicas: elr },
        lastKnownElr: [2],
      }),
    ]
  }
  const before = replayed(emptyImage, [...topic('t', [2]), ...topic('u', [])])
  const clear = (topicName: string) => metadataRecord(clearElrRecord, { topicName })
  const states = (image: Image) =>
    ['t', 'u', 'v'].map((name) =>
      image.topics
        .get(name)
        ?.partitions.map((one) => [
          one.partitionEpoch,
          ...one.eligibleLeaderReplicas,
          ...one.lastKnownElr,
        ]),
    )
  const cleared = [[7], [8]]
  expect(states(replayed(before, [clear('t')]))).toEqual([cleared, [[7], [7, 2]], undefined])
  const all = replayed(before, [...topic('v', [2]), clear('')])
  expect(states(all)).toEqual([cleared, cleared, cleared])
  const gone = metadataRecord(removeTopicRecord, { topicId: id('t') })
  expect(states(replayed(before, [gone, clear('')]))).toEqual([undefined, cleared, undefined])
  expect(states(replayed(before, [clear('x')]))).toEqual(states(before))
})

test('configs that this release does not know are left out of an image, except for brokers', () => {
  const config = (resourceType: number, name: string) =>
    metadataRecord(configRecord, { resourceType, resourceName: 'x', name, value: '1' })
  const { topic, broker, brokerLogger, group } = resourceTypes
  const image = replayed(emptyImage, [
    ...[config(topic, 'retention.ms'), config(topic, 'message.format.version')],
    ...[config(broker, 'later'), config(group, 'later'), config(brokerLogger, 'kafka')],
  ])
  expect(
    [...image.configs].map(([key, values]) => [key, [...values.keys()].join()]).sort(),
  ).toEqual([
    [configKey(topic, 'x'), 'retention.ms'],
    [configKey(broker, 'x'), 'later'],
  ])
})

test('a partition of a record without directories has one for each replica', () => {
  const topicId = 't'.padEnd(22, 'A')
  const lists = { replicas: [1, 2], isr: [1], removingReplicas: [], addingReplicas: [] }
  const record = metadataRecord(partitionRecord, { partitionId: 0, topicId, ...lists }, 0)
  const topic = metadataRecord(topicRecord, { name: 't', topicId })
  const image = replayed(emptyImage, [topic, record])
  const { migrating } = directoryIds
  expect(image.topics.get('t')?.partitions[0]?.directories).toEqual([migrating, migrating])
})

test('directories of a broker are in the order of signed halves of their ids', () => {
  const idOf = (first: number) => Buffer.from([first, ...Buffer.alloc(15)]).toString('base64url')
  const [least, zero, most] = [idOf(0x80), idOf(0), idOf(0x7f)]
  expect(sortedDirectories([most, zero, least])).toEqual([least, zero, most])
})

function replayed(image: Image, records: readonly MetadataRecord[]): Image {
  const delta = new ImageDelta(image)
  for (const record of records) {
    replayRecord(delta, decodeMetadataRecord(encodeMetadataRecord(record)), delta.offset + 1)
  }
  return delta.apply(1)
}
