import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test } from 'vitest'
import type { NodeAddress } from '../../src/channel/channel.ts'
import { Broker } from '../../src/index.ts'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { readControlRecords } from '../../src/protocol/records/control.ts'
import { freePort } from './free-port.ts'
import { KafkaQuorum } from './kafka/quorum.ts'
import { until } from './kafkajs/client.ts'
import { gather } from './observer/follow.ts'

const controllerId = 3000

/** The control records of each epoch, and where the voters are said to be, in one of the logs. */
async function told(at: NodeAddress) {
  const seen = gather([at])
  await until('the log is followed', async () => seen.raft.highWatermark > 0)
  await seen.raft.refreshed()
  await seen.raft.close()
  const epochs = new Map<number, number[]>()
  for (const bytes of seen.batches) {
    for (const batch of batchesIn(bytes)) {
      if (!batch.isControl) continue
      const types = readControlRecords(batch).map(({ type }) => type)
      epochs.set(batch.leaderEpoch, [...(epochs.get(batch.leaderEpoch) ?? []), ...types])
    }
  }
  const { kraftVersion, voters } = seen.image().quorum
  const endpoints = voters.flatMap((one) => one.endpoints)
  return { types: [...epochs.values()], kraftVersion, endpoints }
}

/** Starts a controller, and again at the same port, and again at another one. */
async function moves(side: {
  start(): Promise<NodeAddress>
  stop(): Promise<void>
  move(): Promise<void>
}) {
  await side.start()
  await side.stop()
  await side.start()
  await side.stop()
  await side.move()
  const at = await side.start()
  const { types, kraftVersion, endpoints } = await told(at)
  const [{ name, host, port }] = endpoints as [(typeof endpoints)[number]]
  return { types, kraftVersion, name, host, isHere: port === at.port, count: endpoints.length }
}

describe.skipIf(inject('javaMissing') !== null)('a controller that moves', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  test('writes its new address to the log, as Kafka does', { timeout: 240_000 }, async () => {
    const quorum = await KafkaQuorum.start({ controllers: 1, voters: 'in the log' })
    closing.push(() => quorum.close())
    let isFirst = true
    const theirs = await moves({
      start: async () => {
        if (!isFirst) await quorum.startNode(controllerId)
        isFirst = false
        return quorum.bootstrap[0]!
      },
      stop: () => quorum.stopNode(controllerId, 'SIGTERM'),
      move: async () => void (await quorum.moveController()),
    })
    const dataDir = mkdtempSync(join(tmpdir(), 'voters-move-'))
    closing.push(async () => rmSync(dataDir, { recursive: true, force: true }))
    let port = await freePort()
    let broker: Broker
    closing.push(() => broker.stop())
    const ours = await moves({
      start: async () => {
        const at = `127.0.0.1:${port}`
        broker = await Broker.start({
          dataDir,
          properties: {
            ...{ 'process.roles': 'controller', 'node.id': String(controllerId) },
            ...{ listeners: `CONTROLLER://${at}`, 'controller.quorum.bootstrap.servers': at },
            'controller.listener.names': 'CONTROLLER',
          },
        })
        return { nodeId: -1, host: '127.0.0.1', port }
      },
      stop: () => broker.stop(),
      move: async () => {
        port = await freePort()
      },
    })
    expect(ours).toEqual(theirs)
    expect(theirs.isHere).toBe(true)
  })
})
