import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../../src/protocol/messages/20-delete-topics.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { writeBatch } from '../../../src/protocol/records/record.ts'
import { until } from '../kafkajs/client.ts'
import type { Line, Peer } from './peer.ts'
import { newProducer } from './producers.ts'
import type { Scenario } from './scenario.ts'
import { smallBatch } from './small-batch.ts'
import { makeTopic, nobodysId, topicDraft } from './topics.ts'

/** Long enough to be distinguished from an answer at once on a busy machine, in ms. */
const maxWaitMs = 2_500
const atOnceMsMax = maxWaitMs / 2

/** The versions in which sessions, epochs or names changed, and the newest. */
const keyVersions = [4, 7, 9, 12, 13, 15, 18]

interface Place {
  readonly topic: string
  readonly topicId: string
}

interface Asked extends Place {
  readonly partitions: readonly object[]
}

async function send(
  peer: Peer,
  { topic, topicId }: Place,
  records: Buffer,
  transactionalId?: string,
) {
  const topicData = [{ name: topic, topicId, partitionData: [{ index: 0, records }] }]
  const asked = { transactionalId: transactionalId ?? null, acks: -1, timeoutMs: 5_000, topicData }
  await peer.quietly(produce, 9, asked)
}

async function place(peer: Peer, topic: string, more: object = {}): Promise<Place> {
  return { topic, topicId: await makeTopic(peer, topic, more) }
}

async function remove(peer: Peer, { topic }: Place): Promise<void> {
  const asked = { topics: [{ name: topic }], topicNames: [topic], timeoutMs: 10_000 }
  await peer.quietly(deleteTopics, 6, asked)
}

const usual = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }
const of = (at: Place, more: object = {}): Asked => ({ ...at, partitions: [{ ...usual, ...more }] })

/** Fetches on one connection, and notes whether the answer came at once or after the wait. */
class Fetcher {
  readonly #line: Line
  readonly #version: number
  sessionId = 0

  constructor(peer: Peer, version: number) {
    this.#line = peer.open()
    this.#version = version
  }

  async ask(topics: readonly Asked[], more: object = {}) {
    const asked = {
      maxWaitMs,
      minBytes: 1,
      sessionId: this.sessionId,
      topics,
      forgottenTopicsData: [],
      ...more,
    }
    const startMs = performance.now()
    const answer = await this.#line.ask(fetch, this.#version, asked)
    const came = performance.now() - startMs < atOnceMsMax ? 'at once' : 'waited'
    return { asked: { topics, ...more }, came, answer }
  }

  /** Opens a session. */
  async begin(topics: readonly Asked[]) {
    const begun = await this.ask(topics, { sessionEpoch: 0, maxWaitMs: 0 })
    this.sessionId = begun.answer.sessionId
    return begun
  }

  close(): void {
    this.#line.close()
  }
}

interface Talk {
  readonly title: string
  readonly run: (fetcher: Fetcher) => Promise<readonly object[]>
}

/**
 * Holds many conversations at a time, each on its own connection, and notes them one after the
 * other.
 */
async function sideBySide(peer: Peer, version: number, talks: readonly Talk[]): Promise<void> {
  const fetchers = talks.map(() => new Fetcher(peer, version))
  // Connecting is not part of the measured time.
  await Promise.all(fetchers.map((each) => each.ask([], { sessionEpoch: -1, maxWaitMs: 0 })))
  const told = await Promise.all(talks.map(({ run }, i) => run(fetchers[i]!)))
  for (const [i, { title }] of talks.entries()) peer.note(title, told[i])
  for (const each of fetchers) each.close()
}

/** Every error of a requested partition, by its name here. */
async function wrongs(peer: Peer, version: number): Promise<Record<string, Asked>> {
  const filled = await place(peer, `wrong.${version}`, { numPartitions: 1 })
  await send(peer, filled, smallBatch(3))
  const gone = await place(peer, `gone.${version}`)
  await remove(peer, gone)
  await peer.gone(gone.topic)
  peer.names.learn(gone.topicId, 'id of gone')
  return {
    nothing: of({ topic: 'empty', topicId: nobodysId }, {}),
    'no such topic': of({ topic: 'absent', topicId: nobodysId }),
    'a topic that was deleted': of(gone),
    'a name that none can have': of({ topic: 'not a name', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }),
    'no name': of({ topic: '', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }),
    'no such partition': of(filled, { partition: 9 }),
    'partition -1': of(filled, { partition: -1 }),
    'beyond the end': of(filled, { fetchOffset: 99 }),
    'offset -1': of(filled, { fetchOffset: -1 }),
    'offset -2': of(filled, { fetchOffset: -2 }),
    'the end': of(filled, { fetchOffset: 3 }),
    'bytes 0': of(filled, { partitionMaxBytes: 0 }),
    'bytes -1': of(filled, { partitionMaxBytes: -1 }),
    'bytes -1 at the end': of(filled, { fetchOffset: 3, partitionMaxBytes: -1 }),
    'an epoch to come': of(filled, { fetchOffset: 3, currentLeaderEpoch: 7 }),
    'epoch -2': of(filled, { fetchOffset: 3, currentLeaderEpoch: -2 }),
    'fetched epoch to come': of(filled, { fetchOffset: 3, lastFetchedEpoch: 7 }),
    'fetched epoch -2': of(filled, { fetchOffset: 3, lastFetchedEpoch: -2 }),
    'twice, the last at the end': {
      ...filled,
      partitions: [usual, { ...usual, fetchOffset: 3 }],
    },
  }
}

export const fetchWaitScenarios: readonly Scenario[] = [
  {
    api: fetch,
    title: 'that waits beside an error',
    isInOrder: true,
    versions: keyVersions,
    run: async (peer, version) => {
      const good = await place(peer, `waits.${version}`)
      const talks: Talk[] = []
      const hold = (title: string, run: Talk['run']) => talks.push({ title, run })
      for (const [title, bad] of Object.entries(await wrongs(peer, version))) {
        const ways = { alone: [bad], first: [bad, of(good)], last: [of(good), bad] }
        for (const [way, topics] of Object.entries(ways)) {
          hold(`${title}, ${way}, no session`, async (it) => [await it.ask(topics)])
          if (version < 7) continue
          hold(`${title}, ${way}, a new session`, async (it) => {
            const first = await it.ask(topics, { sessionEpoch: 0 })
            it.sessionId = first.answer.sessionId
            return [first, await it.ask([], { sessionEpoch: 1 })]
          })
        }
        if (version < 7) continue
        hold(`${title}, in a session that is there`, async (it) => [
          await it.begin([of(good)]),
          await it.ask([bad], { sessionEpoch: 1 }),
          await it.ask([], { sessionEpoch: 2 }),
        ])
      }
      await sideBySide(peer, version, talks)
    },
  },
  {
    api: fetch,
    title: 'of numbers that make no sense',
    isInOrder: true,
    versions: keyVersions,
    run: async (peer, version) => {
      const empty = await place(peer, `odd.empty.${version}`)
      const filled = await place(peer, `odd.filled.${version}`)
      for (let i = 0; i < 3; i++) await send(peer, filled, smallBatch(3))
      const all = [of(filled), of(empty)]
      const end = [of(filled, { fetchOffset: 9 }), of(empty)]
      const unknown = [of({ topic: 'absent', topicId: nobodysId })]
      const talks: Talk[] = []
      const hold = (topics: readonly Asked[], more: object) => {
        const title = `${peer.show({ topics })} ${JSON.stringify(more)}`
        talks.push({ title, run: async (it) => [await it.ask(topics, more)] })
      }
      const little = [of(filled, { partitionMaxBytes: 200 })]
      hold(little, { minBytes: 200 })
      hold(little, { minBytes: 201 })
      hold(all, { minBytes: 200, maxBytes: 200 })
      for (const topics of [all, end, unknown, []]) {
        for (const more of [
          { isolationLevel: 1 },
          { isolationLevel: 2 },
          { isolationLevel: -1 },
          { maxBytes: 0 },
          { maxBytes: -1 },
          { maxBytes: 100, minBytes: 1_000 },
          { minBytes: 0 },
          { minBytes: -1 },
          { minBytes: 1 << 20 },
          { maxWaitMs: 0 },
          { maxWaitMs: -1 },
          { replicaId: -2, replicaState: { replicaId: -2, replicaEpoch: -1 } },
          { replicaId: -3, replicaState: { replicaId: -3, replicaEpoch: -1 } },
          { replicaId: 1, replicaState: { replicaId: 1, replicaEpoch: -1 } },
          { replicaId: 77, replicaState: { replicaId: 77, replicaEpoch: -1 } },
          { sessionId: -1, sessionEpoch: 0 },
          { sessionId: -1, sessionEpoch: -1 },
          { sessionId: -1, sessionEpoch: 1 },
          { sessionId: 0, sessionEpoch: 1 },
          { sessionId: 0, sessionEpoch: -2 },
          { sessionId: 77, sessionEpoch: 3 },
          { sessionId: 0x7fffffff, sessionEpoch: 0 },
          { sessionId: -0x80000000, sessionEpoch: 0 },
          { sessionId: -0x80000000, sessionEpoch: 5 },
          { rackId: 'nowhere' },
        ]) {
          hold(topics, more)
        }
      }
      await sideBySide(peer, version, talks)
    },
  },
  {
    api: fetch,
    title: 'of a topic that comes and goes',
    isInOrder: true,
    versions: keyVersions,
    run: async (peer, version) => {
      const good = await place(peer, `stays.${version}`)
      const old = await place(peer, `goes.${version}`)
      peer.names.learn(old.topicId, 'the first id')
      const [plain, inSession, pair, waiting] = Array.from(
        { length: 4 },
        () => new Fetcher(peer, version),
      )
      if (version >= 7) {
        peer.note('begin', (await inSession!.begin([of(old)])).answer)
        peer.note('begin two', (await pair!.begin([of(good), of(old)])).answer)
      }
      let epoch = 0
      const look = async (when: string) => {
        epoch++
        const more = { sessionEpoch: epoch }
        const notes = [await plain!.ask([of(old), of(good)], { maxWaitMs: 0 })]
        if (version >= 7) {
          notes.push(await inSession!.ask([], more), await pair!.ask([], { ...more, maxWaitMs: 0 }))
        }
        peer.note(when, notes)
      }
      const longMs = 4_000
      const begun = waiting!.ask([of(good), of(old)], { maxWaitMs: longMs })
      await new Promise((done) => setTimeout(done, 300))
      await remove(peer, old)
      const { answer } = await begun
      // It came long before the wait was over, otherwise the answer would show it.
      peer.note('while a fetch waits', answer)
      await peer.gone(old.topic)
      await look('when it is gone')
      await peer.quietly(createTopics, 7, { topics: [topicDraft(old.topic)], timeoutMs: 10_000 })
      const again = await peer.usable(old.topic)
      peer.names.learn(again, 'the second id')
      await send(peer, { topic: old.topic, topicId: again }, smallBatch(2))
      await look('when there is another')
      await look('and again')
      if (version >= 7) {
        const forgottenTopicsData = [{ ...old, partitions: [0] }]
        const asked = { sessionEpoch: ++epoch, forgottenTopicsData }
        const named = [of({ topic: old.topic, topicId: again })]
        peer.note('named anew', [await inSession!.ask(named, asked), await pair!.ask([], asked)])
      }
      for (const one of [plain, inSession, pair, waiting]) one!.close()
    },
  },
  {
    api: fetch,
    title: 'of a session and all that is in it',
    isInOrder: true,
    versions: [7, 12, 13, 18],
    run: async (peer, version) => {
      const a = await place(peer, `kept.a.${version}`, { numPartitions: 2 })
      const b = await place(peer, `kept.b.${version}`)
      for (const one of [a, b]) await send(peer, one, smallBatch(2))
      const fetcher = new Fetcher(peer, version)
      const { ask } = { ask: fetcher.ask.bind(fetcher) }
      const now = { maxWaitMs: 0 }
      const note = async (title: string, topics: readonly Asked[], more: object) => {
        const { answer } = await ask(topics, { ...now, ...more })
        if ((more as { sessionEpoch?: number }).sessionEpoch === 0)
          fetcher.sessionId = answer.sessionId
        peer.note(title, answer)
      }
      const absent = { topic: 'absent', topicId: nobodysId }
      await note('a session of nothing', [], { sessionEpoch: 0 })
      await note('which gets its first', [of(a)], { sessionEpoch: 1 })
      await note('the same epoch again', [], { sessionEpoch: 1 })
      await note('one too many', [], { sessionEpoch: 3 })
      await note('in its turn', [of(absent), of(b)], { sessionEpoch: 2 })
      const forgotten = (...all: Place[]) => all.map((one) => ({ ...one, partitions: [0, 0] }))
      await note('forgotten twice', [], {
        sessionEpoch: 3,
        forgottenTopicsData: forgotten(a, a),
      })
      await note('named and forgotten', [of(a)], {
        sessionEpoch: 4,
        forgottenTopicsData: forgotten(a),
      })
      await note('what was not there is forgotten', [], {
        sessionEpoch: 5,
        forgottenTopicsData: [{ ...a, partitions: [-1, 7] }, ...forgotten(absent)],
      })
      await note(
        'twice in two places',
        [of(a, { fetchOffset: 9 }), of(b, { fetchOffset: 2 }), of(a)],
        {
          sessionEpoch: 6,
        },
      )
      await note('a topic in two places', [of(a), of(b), of(a, { partition: 1 })], {
        sessionEpoch: 7,
      })
      await note('the last is forgotten', [], {
        sessionEpoch: 8,
        forgottenTopicsData: [...forgotten(a, b), { ...a, partitions: [1] }],
      })
      await note('and it with it', [], { sessionEpoch: 9 })
      await note('another, without an end', [of(a), of(b)], { sessionEpoch: 0 })
      await note('full, of the session', [of(b)], { sessionEpoch: 0 })
      await note('final', [of(a, { fetchOffset: 2 })], { sessionEpoch: -1 })
      await note('after the final', [], { sessionEpoch: 1 })
      const other = version === 18 ? 12 : version === 13 ? 12 : 13
      await note('one more', [of(a)], { sessionEpoch: 0 })
      const stranger = new Fetcher(peer, other)
      stranger.sessionId = fetcher.sessionId
      const strange = await stranger.ask([of(b)], { ...now, sessionEpoch: 1 })
      peer.note('by a version that names topics otherwise', strange.answer)
      stranger.close()
      await twoAtOnce(peer, version, a)
      fetcher.close()
    },
  },
  {
    api: fetch,
    title: 'that reads what is committed',
    versions: [4, 12, 18],
    run: async (peer, version) => {
      const at = await place(peer, `committed.${version}`)
      const transactionalId = `committed.${version}`
      const { producerId, producerEpoch } = await newProducer(peer, transactionalId)
      await until('the partition is of the transaction', async () => {
        const v3AndBelowTopics = [{ name: at.topic, partitions: [0] }]
        const asked = {
          v3AndBelowTransactionalId: transactionalId,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics,
        }
        const answer = await peer.quietly(addPartitionsToTxn, 3, asked)
        return answer.resultsByTopicV3AndBelow[0].resultsByPartition[0].partitionErrorCode === 0
      })
      const more = { producerId, producerEpoch, baseSequence: 0, isTransactional: true }
      await send(peer, at, smallBatch(4, more), transactionalId)
      const talks = [0, 1, 4].map((fetchOffset) => ({
        title: `offset ${fetchOffset}`,
        run: async (it: Fetcher) => [
          await it.ask([of(at, { fetchOffset })], { isolationLevel: 1 }),
        ],
      }))
      await sideBySide(peer, version, talks)
    },
  },
  {
    api: fetch,
    title: 'of a segment that is not the last',
    versions: [4, 12, 18],
    run: async (peer, version) => {
      const configs = [{ name: 'segment.bytes', value: '1048576' }]
      const at = await place(peer, `segments.${version}`, { configs })
      const large = () =>
        writeBatch({
          records: [{ key: null, value: Buffer.alloc(600_000, 7), timestampMs: 1_700_000_000_000 }],
        })
      for (let i = 0; i < 3; i++) await send(peer, at, large())
      const talks = [0, 1, 2, 3].map((fetchOffset) => ({
        title: `offset ${fetchOffset}`,
        run: async (it: Fetcher) => {
          const partitions = [of(at, { fetchOffset, partitionMaxBytes: 1 << 22 })]
          const { came, answer } = await it.ask(partitions, { minBytes: 1 << 22 })
          const { records } = answer.responses[0].partitions[0]
          return [{ came, bytes: records.length }]
        },
      }))
      await sideBySide(peer, version, talks)
    },
  },
]

/** Two requests of one session at a time, on two connections: the waiting one has lost it. */
async function twoAtOnce(peer: Peer, version: number, at: Place): Promise<void> {
  const [one, other] = [new Fetcher(peer, version), new Fetcher(peer, version)]
  await one.begin([of(at, { fetchOffset: 2 })])
  other.sessionId = one.sessionId
  const waiting = one.ask([], { sessionEpoch: 1 })
  await new Promise((done) => setTimeout(done, 300))
  const second = await other.ask([], { sessionEpoch: 2, maxWaitMs: 0 })
  peer.note('while another request of the session waits', [second.answer, (await waiting).answer])
  for (const each of [one, other]) each.close()
}
