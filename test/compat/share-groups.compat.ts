import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Requests } from './differential/requests.ts'
import { shareGroupScenarios } from './differential/share-groups.ts'
import { Twins, withTopics } from './differential/twins.ts'
import { javaTools, type Tool } from './kafka/tools.ts'

const settings = {
  'group.share.min.session.timeout.ms': 2000,
  'group.share.session.timeout.ms': 4000,
  'group.share.min.heartbeat.interval.ms': 500,
  'group.share.heartbeat.interval.ms': 500,
  'group.share.max.size': 4,
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 3,
  'share.coordinator.state.topic.num.partitions': 3,
}
const topics = { t: 2, u: 1, w: 3 }

const groups = ['a', 'b', 'c', 'd', 'e']
const prepare = withTopics(topics, async (ask, topicIds) => {
  const topicId = topicIds.get('t')!
  const shares = Array.from({ length: 20 }, (_, i) => `warm-${i}:${topicId}:0`)
  // Creates the internal topics, and waits for their coordinators.
  await ask('FindCoordinator', 6, { keyType: 0, coordinatorKeys: groups })
  const partitions = [{ partition: 0 }, { partition: 1 }]
  return [
    await ask('FindCoordinator', 6, { keyType: 2, coordinatorKeys: shares }),
    await ask('DescribeGroups', 5, { groups, includeAuthorizedOperations: false }),
    await ask('DeleteShareGroupState', 0, { groupId: 'warm-0', topics: [{ topicId, partitions }] }),
  ]
})

/** Sends the same requests of share groups to Apache Kafka and to odradek. */
describe.skipIf(inject('javaMissing') !== null)('share groups are as Apache Kafka has them', () => {
  let twins: Twins
  beforeAll(async () => {
    twins = await Twins.start(settings, prepare)
  })
  afterAll(() => twins?.close())

  test.concurrent.each(shareGroupScenarios)(
    '%s',
    (name, run) => twins.compare(name, (session) => run(new Requests(session))),
    60_000,
  )

  const ofGroup = ['--group', 'by-tool']
  const topicT = ['--topic', 't']
  const calls: readonly [Tool, string[]][] = [
    ['share-groups', ['--describe', ...ofGroup]],
    ['share-groups', ['--reset-offsets', ...ofGroup, ...topicT, '--to-earliest', '--dry-run']],
    ['share-groups', ['--reset-offsets', ...ofGroup, ...topicT, '--to-earliest', '--execute']],
    ['share-groups', ['--describe', ...ofGroup]],
    ['share-groups', ['--describe', ...ofGroup, '--offsets', '--verbose']],
    ['share-groups', ['--describe', ...ofGroup, '--state']],
    ['share-groups', ['--describe', ...ofGroup, '--members']],
    ['share-groups', ['--list']],
    ['groups', ['--list', '--share']],
    ['share-groups', ['--reset-offsets', ...ofGroup, '--all-topics', '--to-latest', '--execute']],
    ['share-groups', ['--delete-offsets', ...ofGroup, ...topicT]],
    ['share-groups', ['--delete-offsets', ...ofGroup, ...topicT]],
    ['share-groups', ['--delete', ...ofGroup]],
    ['share-groups', ['--delete', ...ofGroup]],
    ['share-groups', ['--describe', ...ofGroup]],
  ]
  test.each(calls)('kafka-%s %j prints the same', async (tool, args) => {
    const tools = await javaTools()
    const said = twins.sides.map(async ({ target }) => {
      const all = ['--bootstrap-server', target.bootstrap, ...args]
      const { code, stdout, stderr } = await tools.call(tool, all)
      // Columns are as wide as what stands in them, such as the address of the broker.
      const plain = `${stdout}\n${stderr}`.replaceAll(String(target.port), 'PORT')
      const lines = plain
        .replaceAll(/[ \t]+/g, ' ')
        .split('\n')
        .sort()
      return [code, ...lines]
    })
    const [kafka, odradek] = await Promise.all(said)
    expect(odradek).toEqual(kafka)
  })
})
