import { errorCode } from '../../../../src/protocol/errors.ts'
import { pause } from '../session.ts'
import type { JsonObject } from '../wire.ts'
import type { Producer } from './producer.ts'

export type Scenario = readonly [name: string, run: (p: Producer) => Promise<unknown>]

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

const concurrent = errorCode('CONCURRENT_TRANSACTIONS')

/** Waits for the end of an earlier transaction, and keeps the answer after it. */
const whenDone = (p: Producer, o: JsonObject = {}, version = 5) =>
  p.session.until(
    ({ errorCode: code }) => code !== concurrent,
    () => p.init(o, version),
  )

/** Identities that a producer may claim. */
const impostors: Readonly<Record<string, (p: Producer) => JsonObject>> = {
  'the wrong id': (p) => ({ producerId: p.producerId + 100_000 }),
  'an old epoch': (p) => ({ producerEpoch: p.epoch - 1 }),
  'a future epoch': (p) => ({ producerEpoch: p.epoch + 1 }),
  'an unknown transactional id': (p) => ({ transactionalId: `${p.id}-unknown` }),
  'no transactional id': () => ({ transactionalId: '' }),
}

const beginnings: Scenario[] = [
  ...range(0, 5).flatMap<Scenario>((v) => [
    [
      `init v${v}`,
      async (p) => {
        await p.init({}, v)
        await p.describe()
        await p.init({}, v)
        await p.init({ transactionTimeoutMs: 0 }, v)
        await p.init({ transactionTimeoutMs: -1 }, v)
        await p.init({ transactionTimeoutMs: 900_001 }, v)
        await p.init({ transactionalId: '' }, v)
        await p.init({ transactionalId: null }, v)
      },
    ],
    [
      `init v${v} over an open transaction`,
      async (p) => {
        await p.init({}, v)
        await p.add()
        await p.twin().init({}, v)
        await p.settled()
        await whenDone(p.twin(), {}, v)
        await p.describe()
        await p.add()
        await p.end(true, {}, 4)
        await p.fetch(1)
      },
    ],
    [
      `find v${v}`,
      async (p) => {
        await p.find(v)
        if (v >= 4) await p.find(v, [p.id, '', 'another'])
      },
    ],
  ]),
  ...range(3, 5).flatMap<Scenario>((v) => [
    [
      `init v${v} by id and epoch`,
      async (p) => {
        await p.init({}, v)
        const first = { producerId: p.producerId, producerEpoch: p.epoch }
        await p.init(first, v)
        await p.init(first, v)
        await p.init({ producerId: p.producerId, producerEpoch: p.epoch }, v)
        await p.init(first, v)
        await p.init({ producerId: p.producerId + 100_000, producerEpoch: p.epoch }, v)
        await p.init({ producerId: p.producerId, producerEpoch: p.epoch + 1 }, v)
        await p.init({ producerId: -1, producerEpoch: 0 }, v)
        await p.init({ producerId: 5, producerEpoch: -1 }, v)
        await p.describe()
      },
    ],
    [
      `init v${v} by an id that nobody knows`,
      async (p) => {
        await p.init({ producerId: 123_456, producerEpoch: 7 }, v)
        await p.describe()
      },
    ],
    [
      `init v${v} by id and epoch over an open transaction`,
      async (p) => {
        await p.init({}, v)
        await p.add()
        const me = { producerId: p.producerId, producerEpoch: p.epoch }
        await p.init({ ...me, producerEpoch: p.epoch + 3 }, v)
        await p.settled()
        await p.init(me, v)
        await p.describe()
      },
    ],
  ]),
]

const outcomes: Scenario[] = range(0, 5).flatMap((v) =>
  [true, false].map<Scenario>((committed) => [
    `end v${v} ${committed ? 'commits' : 'aborts'}, again and again`,
    async (p) => {
      await p.init()
      const me = { producerId: p.producerId, producerEpoch: p.epoch }
      await p.add({}, Math.min(v, 3))
      await p.produce({}, 11)
      await p.describe()
      await p.end(committed, {}, v)
      await p.settled()
      await p.describe()
      await p.end(committed, me, v)
      await p.end(!committed, me, v)
      await p.end(committed, {}, v)
      await p.settled()
      await p.fetch(1)
      await p.fetch(0)
      await p.producers()
    },
  ]),
)

const impostorsEnd: Scenario[] = Object.entries(impostors).flatMap(([what, who]) =>
  [1, 4, 5].map<Scenario>((v) => [
    `end v${v} with ${what}`,
    async (p) => {
      await p.init()
      await p.init()
      await p.end(true, who(p), v)
      await p.add()
      await p.end(true, who(p), v)
      await p.end(false, who(p), v)
      await p.describe()
    },
  ]),
)

const impostorsAdd: Scenario[] = Object.entries(impostors).flatMap(([what, who]) => {
  const v3 = (o: JsonObject) =>
    Object.fromEntries(
      Object.entries(o).map(([key, value]) => [
        `v3AndBelow${key[0]!.toUpperCase()}${key.slice(1)}`,
        value,
      ]),
    )
  return [
    ...[1, 3].map<Scenario>((v) => [
      `add v${v} with ${what}`,
      async (p) => {
        await p.init()
        await p.init()
        await p.add(v3(who(p)), v)
        await p.add({}, v)
        await p.add(v3(who(p)), v)
      },
    ]),
    ...[4, 5].map<Scenario>((v) => [
      `add and verify v${v} with ${what}`,
      async (p) => {
        await p.init()
        await p.init()
        await p.addAsBroker([{ ...who(p) }], v)
        await p.addAsBroker([{ ...who(p), verifyOnly: true }], v)
        await p.addAsBroker([{}], v)
        await p.addAsBroker([{ ...who(p), verifyOnly: true }], v)
      },
    ]),
    ...[1, 4].map<Scenario>((v) => [
      `add offsets v${v} with ${what}`,
      async (p) => {
        await p.init()
        await p.init()
        await p.addOffsets(who(p), v)
        await p.addOffsets({}, v)
        await p.addOffsets(who(p), v)
        await p.describe()
      },
    ]),
    ...[2, 3, 4, 5, 6].map<Scenario>((v) => [
      `commit offsets v${v} with ${what}`,
      async (p) => {
        await p.init()
        await p.init()
        await p.commitOffsets(who(p), v)
        await p.addOffsets()
        await p.commitOffsets(who(p), v)
        await p.offsets()
      },
    ]),
  ]
})

const additions: Scenario[] = [
  ...range(0, 3).map<Scenario>((v) => [
    `add v${v} of what is not there`,
    async (p) => {
      await p.init()
      await p.add({}, v, [{ name: 'no-such-topic', partitions: [0] }])
      await p.add({}, v, [
        { name: p.topic, partitions: [0, 7] },
        { name: 'no-such-topic', partitions: [1] },
      ])
      await p.add({}, v, [])
      await p.describe()
      await p.add({}, v, [{ name: p.topic, partitions: [1] }])
      await p.add({}, v, [{ name: p.topic, partitions: [1, 0] }])
      await p.describe()
    },
  ]),
  ...[4, 5].map<Scenario>((v) => [
    `add v${v} several transactions at once`,
    async (p) => {
      await p.init()
      await p.addAsBroker(
        [
          { verifyOnly: true },
          { transactionalId: `${p.id}-other` },
          { transactionalId: `${p.id}-third`, topics: [{ name: 'no-such', partitions: [0] }] },
        ],
        v,
      )
      await p.addAsBroker([{ topics: [{ name: p.topic, partitions: [0] }] }], v)
      await p.addAsBroker([{ verifyOnly: true }], v)
      await p.describe()
    },
  ]),
]

const offsets: Scenario[] = range(0, 6).flatMap((v) =>
  [true, false].map<Scenario>((committed) => [
    `commit offsets v${v}, ${committed ? 'committed' : 'aborted'}`,
    async (p) => {
      await p.init()
      await p.addOffsets({}, Math.min(v, 4))
      await p.commitOffsets({}, v, [{}, { partitionIndex: 1, committedOffset: 9 }])
      await p.offsets(true)
      await p.offsets(false)
      await p.end(committed, {}, v >= 5 ? 5 : 4)
      await p.settled()
      await p.offsets(true)
    },
  ]),
)

const wrongOffsets: Scenario[] = range(3, 6).flatMap<Scenario>((v) => [
  [
    `commit offsets v${v} that were not added`,
    async (p) => {
      await p.init()
      await p.commitOffsets({}, v)
      await p.describe()
      await p.offsets()
    },
  ],
  [
    `commit offsets v${v} of nobody knows what`,
    async (p) => {
      await p.init()
      await p.addOffsets()
      if (v < 6) await p.commitOffsets({ topic: 'no-such-topic' }, v)
      await p.commitOffsets({}, v, [{ partitionIndex: 9 }, {}, { partitionIndex: -1 }])
      await p.commitOffsets({}, v, [{ committedMetadata: 'x'.repeat(5000) }])
      await p.commitOffsets({ groupId: '' }, v)
      await p.commitOffsets({ topics: [] }, v)
    },
  ],
  [
    `commit offsets v${v} as a member that there is not`,
    async (p) => {
      await p.init()
      await p.addOffsets()
      await p.commitOffsets({ generationIdOrMemberEpoch: 3, memberId: 'nobody' }, v)
      await p.commitOffsets({ memberId: 'nobody' }, v)
      await p.commitOffsets({}, v)
      await p.commitOffsets({ generationIdOrMemberEpoch: 0, memberId: 'nobody' }, v)
      await p.commitOffsets({ groupInstanceId: 'nobody' }, v)
      await p.offsets()
    },
  ],
  [
    `commit offsets v${v} twice, and after the end`,
    async (p) => {
      await p.init()
      await p.addOffsets()
      await p.commitOffsets({}, v)
      await p.commitOffsets({}, v, [{ committedOffset: 6 }])
      const before = p.epoch
      await p.end(true)
      await p.settled()
      await p.commitOffsets({ producerEpoch: before }, v)
      await p.offsets()
      await p.commitOffsets({}, v)
      await p.offsets()
    },
  ],
])

const produced: Scenario[] = [3, 9, 11, 12, 13].flatMap<Scenario>((v) => [
  [
    `produce v${v} into a transaction`,
    async (p) => {
      await p.init()
      await p.add()
      await p.produce({}, v)
      await p.produce({}, v, [{ sequence: 1 }, { partition: 1, count: 3 }])
      await p.produce({}, v, [{ sequence: 1 }])
      await p.produce({}, v, [{ sequence: 5 }])
      await p.ends(0)
      await p.ends(1)
      await p.fetch(1)
      await p.producers()
      await p.end(true)
      await p.settled()
      await p.ends(1)
      await p.fetch(1)
    },
  ],
  [
    `produce v${v} without a transaction`,
    async (p) => {
      await p.init()
      await p.produce({}, v)
      await p.describe()
      await p.producers()
    },
  ],
  [
    `produce v${v} after the end`,
    async (p) => {
      await p.init()
      await p.add()
      await p.produce({}, v)
      const before = p.epoch
      await p.end(false)
      await p.settled()
      await p.produce({}, v, [{ epoch: before, sequence: 1 }])
      await p.produce({}, v)
      await p.fetch(1)
      await p.fetch(0)
    },
  ],
  [
    `produce v${v} by whom nobody knows`,
    async (p) => {
      await p.init()
      await p.add()
      await p.produce({ transactionalId: 'no-such-id' }, v)
      await p.produce({ transactionalId: '' }, v)
      await p.produce({ transactionalId: null }, v)
      await p.produce({}, v, [{ producerId: p.producerId + 100_000 }])
      await p.produce({}, v, [{ epoch: p.epoch + 1 }])
      await p.producers()
    },
  ],
  [
    `produce v${v} two producers at once`,
    async (p) => {
      await p.init()
      await p.add()
      const other = { producerId: p.producerId + 100_000, partition: 1 }
      await p.produce({}, v, [{}, other])
      await p.produce({}, v, [{}, { partition: 1, epoch: 7 }])
      await p.producers()
    },
  ],
  [
    `produce v${v} within and without`,
    async (p) => {
      await p.init()
      await p.add()
      await p.produce({}, v)
      await p.produce({}, v, [{ sequence: 1, isTransactional: false }])
      await p.produce({}, v, [{ partition: 1, isTransactional: false }])
      await p.produce({}, v, [{ partition: 1, sequence: 1 }])
      await p.fetch(1)
    },
  ],
  [
    `produce v${v} from the middle`,
    async (p) => {
      await p.init()
      await p.add()
      await p.produce({}, v, [{ sequence: 5 }])
      await p.produce({}, v, [{ sequence: 5 }, { partition: 1 }])
      await p.produce({}, v, [{ sequence: 0 }])
      await p.producers()
    },
  ],
  [
    `produce v${v} of a fenced producer`,
    async (p) => {
      await p.init()
      await p.add()
      await p.produce({}, v)
      const fresh = p.twin()
      await fresh.init()
      await p.settled()
      await p.produce({}, v, [{ sequence: 1 }])
      await whenDone(fresh)
      await p.produce({}, v, [{ sequence: 1 }])
      await fresh.add()
      await fresh.produce({}, v)
      await fresh.end(true)
      await p.settled()
      await p.end(true)
      await p.fetch(1)
      await p.fetch(0)
    },
  ],
])

const markers: Scenario[] = [1, 2].flatMap<Scenario>((v) => [
  ...[true, false].map<Scenario>((transactionResult) => [
    `markers v${v} ${transactionResult ? 'commit' : 'abort'} what is open`,
    async (p) => {
      await p.init()
      await p.add()
      await p.produce()
      await p.markers([{ transactionResult }], v)
      await p.producers()
      await p.fetch(1)
      await p.markers([{ transactionResult }], v)
      await p.describe()
    },
  ]),
  [
    `markers v${v} of what is not there`,
    async (p) => {
      await p.init()
      await p.markers([{ topics: [{ name: 'no-such-topic', partitionIndexes: [0] }] }], v)
      await p.markers([{ topics: [{ name: p.topic, partitionIndexes: [0, 9] }] }], v)
      await p.markers([], v)
      await p.markers([{ topics: [] }], v)
      await p.fetch(1)
    },
  ],
  [
    `markers v${v} that come too late`,
    async (p) => {
      await p.init()
      await p.init()
      await p.add()
      await p.produce()
      await p.markers([{ producerEpoch: p.epoch - 1 }], v)
      await p.markers([{ coordinatorEpoch: 5 }], v)
      await p.markers([{ coordinatorEpoch: 4 }], v)
      await p.markers([{ coordinatorEpoch: 5, producerEpoch: p.epoch + 1 }], v)
      await p.producers()
    },
  ],
])

const boundMarkers: Scenario[] = [
  [
    'markers v2 of transaction version 2 must raise the epoch',
    async (p) => {
      await p.init()
      await p.produce()
      await p.markers([{ transactionVersion: 2 }])
      await p.markers([{ transactionVersion: 2, producerEpoch: p.epoch + 1 }])
      await p.markers([{ transactionVersion: 2, producerEpoch: p.epoch + 1 }])
      await p.markers([{ transactionVersion: 2 }])
      await p.producers()
      await p.fetch(1)
    },
  ],
  [
    'markers end offsets in a transaction',
    async (p) => {
      await p.init()
      await p.addOffsets()
      await p.commitOffsets({}, 3)
      const [topic] = (await p.describe()).transactionStates as {
        topics: { topic: string; partitions: number[] }[]
      }[]
      const name = topic!.topics[0]!
      const topics = [{ name: name.topic, partitionIndexes: name.partitions }]
      await p.markers([{ topics, producerEpoch: p.epoch + 1 }])
      await p.offsets()
      await p.markers([{ topics, producerEpoch: p.epoch }])
      await p.markers([{ topics, producerEpoch: p.epoch + 1, coordinatorEpoch: -5 }])
      await p.commitOffsets({}, 3)
    },
  ],
]

const mixed: Scenario[] = [
  [
    'begun as of old, ended as of new',
    async (p) => {
      await p.init()
      await p.add()
      await p.produce({}, 9)
      await p.end(true, {}, 5)
      await p.settled()
      await p.describe()
      await p.add()
      await p.end(false, {}, 4)
      await p.settled()
      await p.describe()
      await p.fetch(1)
    },
  ],
  [
    'begun as of new, ended as of old',
    async (p) => {
      await p.init()
      await p.produce({}, 12)
      await p.end(true, {}, 4)
      await p.settled()
      await p.describe()
      await p.produce({}, 12, [{ sequence: 1 }])
      await p.end(false, {}, 3)
      await p.settled()
      await p.fetch(1)
      await p.producers()
    },
  ],
  [
    'many transactions of version 2',
    async (p) => {
      await p.init()
      for (const i of range(0, 9)) {
        await p.session.until(
          (answer) => !JSON.stringify(answer).includes('"errorCode":51'),
          () => p.produce(),
        )
        await p.end(i % 3 !== 2)
      }
      await p.settled()
      await p.fetch(1)
      await p.fetch(1, 12, 9)
      await p.fetch(0)
      await p.producers()
    },
  ],
  [
    'aborts of nothing',
    async (p) => {
      await p.init()
      await p.end(false)
      await p.settled()
      await p.end(false)
      await p.settled()
      await p.end(true)
      await p.describe()
      await p.produce()
      await p.end(true)
      await p.settled()
      await p.end(false)
      await p.settled()
      await p.describe()
    },
  ],
  [
    'two transactions that overlap',
    async (p) => {
      const q = p.twin()
      Object.assign(q, { id: `${p.id}-2` })
      await p.init()
      await q.init()
      await p.produce()
      await q.produce()
      await q.end(true)
      await q.settled()
      await p.fetch(1)
      await p.ends(1)
      await p.end(false)
      await p.settled()
      await p.fetch(1)
      await p.fetch(1, 12, 1)
      await p.fetch(1, 12, 2)
      await p.fetch(0)
    },
  ],
  ...[4, 11, 17].map<Scenario>((v) => [
    `fetch v${v} at both levels`,
    async (p) => {
      await p.init()
      await p.produce({}, 12, [{ count: 3 }])
      await p.end(false)
      await p.settled()
      await p.produce()
      await p.fetch(0, v)
      await p.fetch(1, v)
      await p.fetch(1, v, 4)
    },
  ]),
]

const lists: Scenario[] = range(0, 2).flatMap<Scenario>((v) => [
  [
    `list v${v}`,
    async (p) => {
      await p.list({}, v)
      await p.init()
      await p.list({}, v)
      await p.list({ stateFilters: ['Ongoing'] }, v)
      await p.add()
      await p.list({ stateFilters: ['Ongoing', 'Nonsense', 'ongoing'] }, v)
      await p.list({ stateFilters: ['Nonsense'] }, v)
      await p.list({ stateFilters: ['Empty', 'Dead', 'PrepareEpochFence'] }, v)
      await p.list({ producerIdFilters: [p.producerId] }, v)
      await p.list({ producerIdFilters: [p.producerId + 100_000] }, v)
      if (v >= 1) await p.list({ durationFilter: 600_000, stateFilters: ['Ongoing'] }, v)
      if (v >= 1) await p.list({ durationFilter: 0 }, v)
      if (v < 2) return
      await p.list({ transactionalIdPattern: 'id-of-.*' }, v)
      await p.list({ transactionalIdPattern: 'id-of-' }, v)
      await p.list({ transactionalIdPattern: '' }, v)
      await p.list({ transactionalIdPattern: '(' }, v)
    },
  ],
])

const described: Scenario[] = [
  [
    'describe',
    async (p) => {
      await p.describe(['', p.id, 'unknown'])
      await p.init()
      await p.describe([p.id, p.id])
      await p.describe([])
    },
  ],
]

/** Transactions that time out: the brokers check every 200 ms. */
const timed: Scenario[] = [4, 5].map<Scenario>((v) => [
  `a transaction that takes too long, ended v${v}`,
  async (p) => {
    await p.init({ transactionTimeoutMs: 2_000 })
    await p.add()
    await p.produce({}, v === 5 ? 12 : 11)
    await p.addOffsets()
    await p.commitOffsets({}, v)
    for (let i = 0; i < 400; i++) {
      const { transactionStates } = await p.session.send(
        'DescribeTransactions',
        0,
        { transactionalIds: [p.id] },
        { quiet: true },
      )
      if (JSON.stringify(transactionStates).includes('CompleteAbort')) break
      await pause(50)
    }
    await p.describe()
    await p.end(true, {}, v)
    await p.end(false, {}, v)
    await p.add()
    await p.produce({}, 12, [{ sequence: 1 }])
    await p.offsets()
    await p.fetch(1)
    await p.init({ producerId: p.producerId, producerEpoch: p.epoch })
    await whenDone(p)
    await p.describe()
  },
])

export const transactionScenarios: readonly Scenario[] = [
  ...beginnings,
  ...outcomes,
  ...impostorsEnd,
  ...impostorsAdd,
  ...additions,
  ...offsets,
  ...wrongOffsets,
  ...produced,
  ...markers,
  ...boundMarkers,
  ...mixed,
  ...lists,
  ...described,
  ...timed,
]
