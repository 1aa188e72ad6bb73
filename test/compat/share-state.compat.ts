import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { newSeeds } from '../seeded.ts'
import { ShareStateRequests, shareStateScenarios } from './differential/share-state.ts'
import { type Side, Twins, withTopics } from './differential/twins.ts'
import { javaTools } from './kafka/tools.ts'
import { isLongForm } from './long-form.ts'

const settings = {
  'share.coordinator.state.topic.num.partitions': 3,
  'share.coordinator.snapshot.update.records.per.snapshot': 3,
}
const topics = { t: 2 }

const prepare = withTopics(topics, async (ask, topicIds) => {
  const topicId = topicIds.get('t')!
  // Creates __share_group_state, and waits for its coordinator.
  const coordinatorKeys = Array.from({ length: 20 }, (_, i) => `warm-${i}:${topicId}:0`)
  await ask('FindCoordinator', 6, { keyType: 2, coordinatorKeys })
  const asked = [{ topicId, partitions: [{ partition: 0 }] }]
  return Promise.all(
    coordinatorKeys.map((key) =>
      ask('DeleteShareGroupState', 0, { groupId: key.split(':')[0]!, topics: asked }),
    ),
  )
})

/**
 * Sends the same requests for share state to Apache Kafka and to odradek: the answers, and then the
 * records in the log, must be the same.
 */
describe.skipIf(inject('javaMissing') !== null)('share state is as Apache Kafka keeps it', () => {
  let twins: Twins
  const first = newSeeds()[0]!
  const seeds = Array.from({ length: isLongForm ? 500 : 40 }, (_, i) => first + i)

  beforeAll(async () => {
    twins = await Twins.start(settings, prepare)
  })
  afterAll(() => twins?.close())

  test.each(shareStateScenarios(seeds))(`%s (ODRADEK_SEED=${first})`, (name, run) =>
    twins.compare(name, (session) => run(new ShareStateRequests(session))),
  )

  test('the records in the log are the same', async () => {
    const [kafka, odradek] = await Promise.all(twins.sides.map(records))
    expect(kafka!.length).toBeGreaterThan(100)
    twins.compared.records = kafka!.length
    expect(odradek).toEqual(kafka)
  })

  /** The records of the topic, without times, by share partition and in their order. */
  async function records({ target, topicIds }: Side): Promise<string[]> {
    const names = readdirSync(target.dataDir).filter((name) => name.startsWith('__share_group_'))
    const files = names.map((name) => join(target.dataDir, name, `${'0'.repeat(20)}.log`))
    const tools = await javaTools()
    const args = ['--share-group-state-decoder', '--files', files.join(',')]
    const { stdout } = await tools.call('dump-log', args)
    const found = [...stdout.matchAll(/ key: (\{.*\}) payload: (.*)$/gm)]
    expect(found.length).toBeGreaterThan(0)
    const plain = found.map(([, key, payload]) => {
      const text = `${key} ${payload!.replaceAll(/"(create|write)Timestamp":"?\d+"?/g, '"$1"')}`
      return text.replaceAll(topicIds.get('t')!, 'id of t')
    })
    const group = (text: string) => /"groupId":"[^"]*".*?"partition":\d+/.exec(text)?.[0] ?? ''
    // The sort is stable.
    return plain.sort((a, b) => (group(a) < group(b) ? -1 : group(a) > group(b) ? 1 : 0))
  }
})
