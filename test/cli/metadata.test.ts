import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { parseMetadata } from '../../src/cli/arguments.ts'
import { BadUsage } from '../../src/cli/bad-usage.ts'
import { runMetadata } from '../../src/cli/metadata/metadata.ts'
import { metadataRecord } from '../../src/metadata/records.ts'
import { removeTopicRecord } from '../../src/protocol/stored/metadata/09-remove-topic-record.ts'
import { beginTransactionRecord } from '../../src/protocol/stored/metadata/23-begin-transaction-record.ts'
import { abortTransactionRecord } from '../../src/protocol/stored/metadata/25-abort-transaction-record.ts'
import { SteppedClock } from '../coordinator/group/stepped-clock.ts'
import { FakeQuorum } from '../quorum/observer/fake-quorum.ts'
import { topicRecords } from '../quorum/observer/observers.ts'
import { seededRandom } from '../storage/logs.ts'

/** Runs the command against a quorum in memory. */
function run(flags: readonly string[], before: (quorum: FakeQuorum) => void) {
  const clock = new SteppedClock()
  const quorum = new FakeQuorum(clock)
  before(quorum)
  const out = { text: '', errors: [] as string[], code: null as number | null }
  const ended = runMetadata(parseMetadata([...flags, 'quorum:3000']), {
    ...{ carrier: quorum, clock, random: seededRandom(1) },
    logger: { ...silentLogger, error: (line) => void out.errors.push(line) },
    write: async (text) => void (out.text += text),
  }).then((code) => {
    out.code = code
  })
  return { clock, quorum, out, ended }
}

const removal = metadataRecord(removeTopicRecord, { topicId: 'u'.padEnd(22, 'A') })
const begin = metadataRecord(beginTransactionRecord, { name: 'work' })
const abort = metadataRecord(abortTransactionRecord, { reason: 'no' })

function twoTopics(quorum: FakeQuorum): void {
  quorum.elect(3000)
  quorum.append(topicRecords('t'))
  quorum.append([...topicRecords('u'), begin, removal, abort])
  quorum.commit()
}

test('prints each committed record with its fields, and ends', async () => {
  const { clock, out, ended } = run([], (quorum) => {
    twoTopics(quorum)
    quorum.append(topicRecords('uncommitted'))
  })
  await clock.advance(1000)
  await ended
  expect(out.code).toBe(0)
  const lines = out.text.split('\n')
  expect(lines.slice(0, 8)).toEqual([
    '0 epoch 2 leaderChange',
    ...['  version: 0', '  leaderId: 3000', '  voters: []', '  grantingVoters: []'],
    '1 epoch 2 TopicRecord v0',
    ...['  name: "t"', '  topicId: "tAAAAAAAAAAAAAAAAAAAAA"'],
  ])
  expect(lines.filter((line) => /^\d/.test(line)).map((line) => line.split(' ')[3])).toEqual([
    ...['leaderChange', 'TopicRecord', 'PartitionRecord', 'TopicRecord', 'PartitionRecord'],
    ...['BeginTransactionRecord', 'RemoveTopicRecord', 'AbortTransactionRecord'],
  ])
  expect(out.text).toContain('  isr: [1]\n')
})

test('prints an object a line, and goes on while records come', async () => {
  const { clock, quorum, out } = run(['--json', '--follow'], twoTopics)
  const objects = () =>
    out.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  await clock.advance(1000)
  expect(objects()).toHaveLength(8)
  quorum.append(topicRecords('later'))
  quorum.commit()
  await clock.advance(1000)
  expect(out.code).toBeNull()
  expect(objects()[8]).toEqual({
    ...{ offset: 8, epoch: 2, timestamp: 1, type: 'TopicRecord', version: 0 },
    data: { name: 'later', topicId: 'laterAAAAAAAAAAAAAAAAA' },
  })
  // It is not listed as an observer.
  const last = quorum.asked.at(-1)!.fetch!
  expect(last.replicaState.replicaId).toBe(-1)
})

test('prints a snapshot where the log begins behind one', async () => {
  const { clock, quorum, out, ended } = run(['--json'], (fresh) => {
    twoTopics(fresh)
    fresh.down.add(3000)
  })
  await quorum.snapshot()
  quorum.append(topicRecords('v'))
  quorum.commit()
  quorum.down.clear()
  await clock.advance(1000)
  await ended
  const all = out.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(all[0]).toEqual({ snapshot: { endOffset: 8, epoch: 2 } })
  const kinds = all.slice(1).map(({ offset, type, control }) => `${offset} ${type ?? control}`)
  expect(kinds).toEqual([
    'undefined snapshotHeader',
    ...['TopicRecord', 'PartitionRecord', 'TopicRecord', 'PartitionRecord'].map(
      (type) => `undefined ${type}`,
    ),
    'undefined snapshotFooter',
    ...['8 TopicRecord', '9 PartitionRecord'],
  ])
})

test('prints the state at the end, without what is gone', async () => {
  const { clock, out, ended } = run(['--image', '--json'], (quorum) => {
    twoTopics(quorum)
    quorum.append([removal])
    quorum.commit()
  })
  await clock.advance(1000)
  await ended
  const all = out.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(all[0]).toEqual({ snapshot: { endOffset: 9, epoch: 2 } })
  const topics = all.filter(({ type }) => type === 'TopicRecord').map(({ data }) => data.name)
  expect(topics).toEqual(['t'])
})

test('fails when nobody answers, and when the log cannot be followed', async () => {
  const nobody = run([], (quorum) => quorum.down.add(3000))
  await nobody.clock.advance(31_000)
  await nobody.ended
  expect(nobody.out).toMatchObject({ code: 1, text: '' })
  expect(nobody.out.errors.join()).toContain('no leader of the metadata log has answered')

  const lost = run(['--follow'], twoTopics)
  await lost.clock.advance(1000)
  lost.quorum.elect(3000, 3)
  await lost.clock.advance(1000)
  await lost.ended
  expect(lost.out.code).toBe(1)
  expect(lost.out.errors.join()).toContain('below the high watermark')
})

test('wrong usage is refused', () => {
  const { addresses } = parseMetadata(['a:1,[::1]:2'])
  expect(addresses.map(({ host, port }) => `${host} ${port}`)).toEqual(['a 1', '::1 2'])
  const wrong = [[], ['a'], ['a:0'], ['a:70000'], ['a:1', 'b:2'], ['a:1', '--follow', '--image']]
  for (const args of wrong) expect(() => parseMetadata(args)).toThrow(BadUsage)
})
