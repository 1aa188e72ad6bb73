import { expect, test } from 'vitest'
import { BufferPool } from '../../src/base/buffer-pool.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import type { Carrier } from '../../src/channel/channel.ts'
import { LoopbackCarrier } from '../../src/channel/loopback-carrier.ts'
import { NodeDialer } from '../../src/channel/node-dialer.ts'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import { BrokerSessions } from '../../src/metadata/controller/broker-sessions.ts'
import { nodeFeatures } from '../../src/metadata/controller/brokers.ts'
import { deleteTopics } from '../../src/metadata/controller/change-topics.ts'
import { createTopics } from '../../src/metadata/controller/create-topics.ts'
import { heartbeat } from '../../src/metadata/controller/heartbeat.ts'
import { registerBroker } from '../../src/metadata/controller/register-broker.ts'
import { ImageDelta } from '../../src/metadata/delta.ts'
import { emptyImage, type Image } from '../../src/metadata/image.ts'
import { imageRecords } from '../../src/metadata/image-records.ts'
import { decodeMetadataRecord, encodeMetadataRecord } from '../../src/metadata/records.ts'
import { replayRecord } from '../../src/metadata/replay-records.ts'
import { ControllerPart } from '../../src/server/controller-part.ts'
import { openLogDirs } from '../../src/server/node-dirs.ts'
import { NodeTransport } from '../../src/server/node-transport.ts'
import type { SharedRooms } from '../../src/server/shared-rooms.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'

const dir = '/data/__cluster_metadata-0'

function roomsOf(disk: MemoryDisk): SharedRooms {
  const tailCacheBudget = new TailCacheBudget(1 << 20)
  const outside = { clock: systemClock, random: systemRandom, logger: silentLogger }
  return {
    ...outside,
    disk,
    pool: new BufferPool(),
    turns: endlessTurn,
    tailCacheBudget,
    controllers: new LoopbackCarrier(systemClock),
    brokers: new LoopbackCarrier(systemClock),
    dialer: new NodeDialer(),
    through: (one: Carrier) => one,
    transport: new NodeTransport(),
    authorizer: null,
  }
}

function settingsOf(own: Record<string, string>): BrokerSettings {
  return new BrokerSettings(
    new Map(Object.entries({ 'node.id': '1', 'log.dirs': '/data', ...own })),
  )
}

/** The content of an image, in an order that does not depend on its history. */
function said(image: Image): string[] {
  const records = [...imageRecords(image)].map(({ of, value }) => JSON.stringify([of.name, value]))
  return records.toSorted()
}

const checkpoints = async (disk: MemoryDisk) =>
  ((await disk.list(dir)) ?? []).map(({ name }) => name).filter((n) => n.includes('.checkpoint'))

test('an image comes back from its own records', async () => {
  const disk = new MemoryDisk(Date.now)
  const controller = await openWith(disk, {})
  await fill(controller.part, 20)
  const { image } = controller.part.metadata
  const delta = new ImageDelta(emptyImage)
  for (const record of imageRecords(image)) {
    replayRecord(delta, decodeMetadataRecord(encodeMetadataRecord(record)), image.offset)
  }
  expect(said(delta.apply(image.epoch))).toEqual(said(image))
  await controller.close()
})

test('snapshots are written as the log grows, old ones go, and a restart needs only the newest', async () => {
  const disk = new MemoryDisk(Date.now)
  const limits = {
    'metadata.log.max.record.bytes.between.snapshots': '4000',
    'metadata.max.retention.bytes': '20000',
    'metadata.log.segment.bytes': '8388608',
  }
  let controller = await openWith(disk, limits)
  await fill(controller.part, 120)
  const before = said(controller.part.metadata.image)
  await controller.close()
  const left = await checkpoints(disk)
  expect(left.length).toBeGreaterThan(0)
  expect(left.length).toBeLessThan(5)
  expect(left.every((name) => /^\d{20}-\d{10}\.checkpoint$/.test(name))).toBe(true)
  await disk.writeFileAtomically(
    `${dir}/00000000000000999999-0000000001.checkpoint.part`,
    Buffer.from('x'),
  )
  controller = await openWith(disk, limits)
  const after = said(controller.part.metadata.image)
  const isIncarnation = (line: string) => line.includes('RegisterController')
  expect(after.filter((line) => !isIncarnation(line))).toEqual(
    before.filter((line) => !isIncarnation(line)),
  )
  expect((await checkpoints(disk)).filter((name) => name.endsWith('.part'))).toEqual([])
  await controller.close()
})

async function openWith(disk: MemoryDisk, own: Record<string, string>) {
  const rooms = roomsOf(disk)
  const settings = settingsOf(own)
  const dirs = await openLogDirs(settings, null, rooms)
  const part = await ControllerPart.open(settings, [], dirs, rooms)
  return {
    part,
    async close() {
      await part.close()
      for (const one of dirs) await one.close(0)
    },
  }
}

async function fill({ metadata }: ControllerPart, count: number): Promise<void> {
  const sessions = new BrokerSessions(systemClock, 9000)
  const request = {
    ...{ brokerId: 1, clusterId: 'c', incarnationId: 'BAAAAAAAAAAAAAAAAAAAAA', rack: 'r' },
    ...{ listeners: [], features: nodeFeatures, isMigratingZkBroker: false },
    ...{ logDirs: ['BAAAAAAAAAAAAAAAAAAAAA'], previousBrokerEpoch: -1 },
  }
  const registration = { request, clusterId: 'c', knowsShutdown: true, isSameProcess: false }
  const brokerEpoch = await metadata.submit(registerBroker(registration, sessions))
  const ready = {
    ...{ brokerId: 1, brokerEpoch, currentMetadataOffset: brokerEpoch },
    ...{ wantFence: false, wantShutDown: false, offlineLogDirs: [], cordonedLogDirs: null },
  }
  await metadata.submit(heartbeat(ready, sessions))
  const topicOf = (name: string) => ({
    ...{ name, numPartitions: 2, replicationFactor: 1, assignments: [] },
    configs: [{ name: 'retention.ms', value: '1000' }],
  })
  for (let i = 0; i < count; i++) {
    const [made] = await metadata.submit(
      createTopics([topicOf(`topic-${i}`)], { validateOnly: false }),
    )
    if (i % 3 === 0) await metadata.submit(deleteTopics([made!.topicId]))
  }
}
