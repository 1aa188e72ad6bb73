import { seededWords } from '../../seeded.ts'
import type { Session } from './session.ts'
import type { JsonObject } from './wire.ts'

/** Requests to a share coordinator with usual values; `o` replaces some of the partition's. */
export class ShareStateRequests {
  readonly session: Session
  readonly group: string

  constructor(session: Session) {
    this.session = session
    this.group = `g-${session.name.replaceAll(/[^\w]+/g, '-')}`
  }

  initialize = (o: JsonObject = {}) =>
    this.#ask('InitializeShareGroupState', 0, { stateEpoch: 1, startOffset: 0, ...o })

  read = (o: JsonObject = {}) => this.#ask('ReadShareGroupState', 0, { leaderEpoch: 0, ...o })

  write = (o: JsonObject = {}, version = 1) => {
    const count = version >= 1 ? { deliveryCompleteCount: 0 } : {}
    const usual = { stateEpoch: 1, leaderEpoch: 0, startOffset: 0, ...count, stateBatches: [] }
    return this.#ask('WriteShareGroupState', version, { ...usual, ...o })
  }

  delete = (o: JsonObject = {}) => this.#ask('DeleteShareGroupState', 0, o)

  summary = (o: JsonObject = {}, version = 1) =>
    this.#ask('ReadShareGroupStateSummary', version, { leaderEpoch: 0, ...o })

  /** All that can be read of a share partition. */
  async all(o: JsonObject = {}) {
    await this.summary(o)
    await this.read({ leaderEpoch: 100, ...o })
    await this.summary(o)
  }

  send(api: string, version: number, topics: readonly JsonObject[], groupId = this.group) {
    return this.session.send(api, version, { groupId, topics: [...topics] })
  }

  get topicId() {
    return this.session.topicId('t')
  }

  #ask(api: string, version: number, { topicId = this.topicId, ...o }: JsonObject) {
    return this.send(api, version, [{ topicId, partitions: [{ partition: 0, ...o }] }])
  }
}

export type ShareStateScenario = readonly [
  name: string,
  run: (r: ShareStateRequests) => Promise<unknown>,
]

const unknownTopic = 'dG9waWMtb2YtdGhlLXRlcw'
const batch = (firstOffset: number, lastOffset: number, deliveryState = 2, deliveryCount = 1) => ({
  ...{ firstOffset, lastOffset, deliveryState, deliveryCount },
})

const apis = {
  InitializeShareGroupState: [0],
  ReadShareGroupState: [0],
  WriteShareGroupState: [0, 1],
  DeleteShareGroupState: [0],
  ReadShareGroupStateSummary: [0, 1],
}
/** A partition with the fields of all five requests that versions from 0 on have. */
const fieldsOf: Record<string, JsonObject> = {
  InitializeShareGroupState: { stateEpoch: 0, startOffset: 0 },
  ReadShareGroupState: { leaderEpoch: 0 },
  WriteShareGroupState: { stateEpoch: 0, leaderEpoch: 0, startOffset: 0, stateBatches: [] },
  DeleteShareGroupState: {},
  ReadShareGroupStateSummary: { leaderEpoch: 0 },
}

const shapes: ShareStateScenario[] = Object.entries(apis).flatMap(([api, versions]) =>
  versions.map<ShareStateScenario>((version) => [
    `${api} v${version} of odd shapes`,
    async (r) => {
      const isLater = api === 'WriteShareGroupState' && version === 1
      const later = isLater ? { deliveryCompleteCount: 3 } : {}
      const partition = (index: number) => ({ partition: index, ...fieldsOf[api], ...later })
      const topic = (topicId: string, ...indexes: number[]) => ({
        topicId,
        partitions: indexes.map(partition),
      })
      await r.initialize({ stateEpoch: 0 })
      await r.send(api, version, [])
      await r.send(api, version, [topic(r.topicId)])
      await r.send(api, version, [topic(r.topicId, 0), topic(unknownTopic)])
      await r.send(api, version, [topic(r.topicId, 0)], '')
      await r.send(api, version, [topic(r.topicId, 0, 1, 2, -1)])
      await r.send(api, version, [topic(r.topicId, 1, 1)])
      await r.send(api, version, [topic(unknownTopic, 0), topic(r.topicId, 1)])
      await r.send(api, version, [topic(r.topicId, 0), topic(r.topicId, 1)])
      await r.send(api, version, [topic('AAAAAAAAAAAAAAAAAAAAAA', 0)])
      await r.all()
    },
  ]),
)

const sequences: ShareStateScenario[] = [
  [
    'keys that name no coordinator',
    async (r) => {
      const key = `g:${r.topicId}:0`
      const find = (version: number, coordinatorKeys: string[]) =>
        r.session.send('FindCoordinator', version, { keyType: 2, coordinatorKeys })
      for (const version of [1, 2, 3]) {
        const keyType = 2
        await r.session.send('FindCoordinator', version, { key, keyType })
      }
      await find(4, [key, ''])
      await find(5, [key])
      await find(6, [])
      await find(6, ['', 'g', `:${r.topicId}:0`, ` :${r.topicId}:0`, `g:${r.topicId}`])
      await find(6, [`g:${r.topicId}:x`, `g:${r.topicId}:2147483648`, 'g:x:0', '::::'])
    },
  ],
  [
    'read, write and delete of nothing',
    async (r) => {
      await r.all()
      await r.read({ leaderEpoch: -1 })
      await r.write()
      await r.delete()
      await r.write({ stateEpoch: -1, leaderEpoch: -1 })
    },
  ],
  ...[-1, 0, 1, 17].map<ShareStateScenario>((startOffset) => [
    `initialize at ${startOffset}`,
    async (r) => {
      await r.initialize({ startOffset })
      await r.all()
      await r.initialize({ startOffset })
      await r.initialize({ startOffset: 5 })
      await r.all()
    },
  ]),
  ...[-1, 0, 1, 2, 7].map<ShareStateScenario>((stateEpoch) => [
    `state epoch ${stateEpoch}`,
    async (r) => {
      await r.initialize({ stateEpoch: 1 })
      await r.initialize({ stateEpoch, startOffset: 3 })
      await r.write({ stateEpoch, startOffset: 9 })
      await r.all()
      await r.initialize({ stateEpoch: 3 })
      await r.write({ stateEpoch })
      await r.all()
    },
  ]),
  ...[-1, 0, 4, 5, 6].map<ShareStateScenario>((leaderEpoch) => [
    `leader epoch ${leaderEpoch}`,
    async (r) => {
      await r.initialize()
      await r.write({ leaderEpoch, stateBatches: [batch(0, 4)] })
      await r.read({ leaderEpoch: 5 })
      await r.write({ leaderEpoch, startOffset: 1 })
      await r.read({ leaderEpoch })
      await r.summary({ leaderEpoch })
      await r.read({ leaderEpoch: 5 })
      await r.all()
    },
  ]),
  ...[-1, 0, 5, 10, 15].map<ShareStateScenario>((startOffset) => [
    `start offset ${startOffset} after 10`,
    async (r) => {
      await r.initialize()
      await r.write({ startOffset: 10, deliveryCompleteCount: 4, stateBatches: [batch(12, 19)] })
      await r.write({ startOffset, deliveryCompleteCount: 2, stateBatches: [batch(8, 13, 0)] })
      await r.all()
      await r.write({ startOffset, deliveryCompleteCount: 6 }, 1)
      await r.write({ startOffset }, 0)
      await r.all()
    },
  ]),
  [
    'snapshots after updates',
    async (r) => {
      await r.initialize()
      for (let i = 0; i < 9; i++) {
        await r.write({ startOffset: i, stateBatches: [batch(i + 1, i + 3, 2 * (i % 3), i % 4)] })
        await r.all()
      }
    },
  ],
  [
    'delete and begin again',
    async (r) => {
      await r.initialize({ stateEpoch: 5 })
      await r.read({ leaderEpoch: 9 })
      await r.delete()
      await r.summary()
      await r.initialize({ stateEpoch: 0, startOffset: -1 })
      await r.read({ leaderEpoch: 0 })
      await r.write({ stateEpoch: 0, stateBatches: [batch(0, 0)] })
      await r.all()
    },
  ],
]

/** Short random sequences on a single share partition, with few different values. */
const random = (seed: number): ShareStateScenario => [
  `random requests ${seed}`,
  async (r) => {
    const next = seededWords(seed)
    const below = (max: number) => next() % max
    const epoch = () => below(4) - (below(5) === 0 ? 1 : 0)
    const offset = () => below(12) - (below(6) === 0 ? 1 : 0)
    const batches = () =>
      Array.from({ length: below(5) }, () => {
        const first = below(15)
        return batch(first, first + below(6), [0, 2, 4][below(3)], below(3))
      })
    await r.initialize({ stateEpoch: below(2), startOffset: offset() })
    for (let i = 0; i < 14; i++) {
      const kind = below(12)
      if (kind < 7) {
        const startOffset = offset()
        const deliveryCompleteCount = below(6) - 1
        const written = { stateEpoch: epoch(), leaderEpoch: epoch(), startOffset }
        const all = { ...written, deliveryCompleteCount, stateBatches: batches() }
        await r.write(all)
      } else if (kind < 9) await r.read({ leaderEpoch: epoch() })
      else if (kind < 10) await r.summary()
      else if (kind < 11) await r.initialize({ stateEpoch: epoch(), startOffset: offset() })
      else await r.delete()
    }
    await r.all()
  },
]

export const shareStateScenarios = (seeds: readonly number[]): readonly ShareStateScenario[] => [
  ...shapes,
  ...sequences,
  ...seeds.map(random),
]
