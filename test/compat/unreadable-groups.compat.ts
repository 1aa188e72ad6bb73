import { closeSync, openSync, readdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { joinGroup } from '../../src/protocol/messages/11-join-group.ts'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.ts'
import { listGroups } from '../../src/protocol/messages/16-list-groups.ts'
import { batchHeaderBytes } from '../../src/protocol/records/batch.ts'
import { until } from './kafkajs/client.ts'
import { startBroker, startKafka, type Target, targetName } from './targets.ts'
import { Peer } from './wire/peer.ts'
import { makeTopic } from './wire/topics.ts'

const groupId = 'g'
const simple = { groupId, generationIdOrMemberEpoch: -1, memberId: '' }
const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'm' }]
const commit = { ...simple, topics: [{ name: 't', partitions }] }

/** Creates a directory in which the records of groups cannot be read. */
async function damage(target: Target): Promise<void> {
  const peer = new Peer(target)
  await makeTopic(peer, 't')
  await peer.coordinated(groupId)
  const { topics } = await peer.quietly(offsetCommit, 8, commit)
  expect(topics[0].partitions[0].errorCode).toBe(0)
  peer.close()
  await target.stop()
  const folder = join(target.dataDir, '__consumer_offsets-0')
  const log = readdirSync(folder).find((name) => name.endsWith('.log'))!
  const file = openSync(join(folder, log), 'r+')
  writeSync(file, Buffer.alloc(20, 0xff), 0, 20, batchHeaderBytes)
  closeSync(file)
  await target.start()
}

/** Notes the answers to requests about a group whose coordinator partition cannot be loaded. */
async function answersOf(target: Target): Promise<unknown> {
  await damage(target)
  const peer = new Peer(target)
  // Until the coordinator has tried to load, Kafka gives the same answers.
  await until('loading has failed', async () =>
    /load.*__consumer_offsets-0/i.test(target.describe(100_000)),
  )
  await peer.ask(findCoordinator, 3, { key: groupId, keyType: 0 })
  await peer.ask(offsetFetch, 7, { groupId, topics: null })
  await peer.ask(offsetCommit, 8, commit)
  await peer.ask(joinGroup, 7, {
    ...{ groupId, memberId: '', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000 },
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from([0, 1]) }],
  })
  await peer.ask(describeGroups, 5, { groups: [groupId] })
  await peer.ask(listGroups, 4, { statesFilter: [] })
  peer.close()
  return peer.transcript
}

describe.skipIf(inject('javaMissing') !== null)(`${targetName} with a damaged group log`, () => {
  test('answers for its groups as Kafka does', async () => {
    const settings = { 'offsets.topic.num.partitions': 1 }
    const both = await Promise.all([startBroker({ settings }), startKafka({ settings })])
    try {
      const [ours, theirs] = await Promise.all(both.map(answersOf))
      expect(ours).toEqual(theirs)
      expect(JSON.stringify(theirs)).toContain('"errorCode":16')
    } finally {
      await Promise.all(both.map((target) => target.close()))
    }
  })
})
