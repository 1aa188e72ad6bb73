import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { vote } from '../../../src/protocol/messages/52-vote.ts'
import { beginQuorumEpoch } from '../../../src/protocol/messages/53-begin-quorum-epoch.ts'
import { endQuorumEpoch } from '../../../src/protocol/messages/54-end-quorum-epoch.ts'
import { describeQuorum } from '../../../src/protocol/messages/55-describe-quorum.ts'
import { fetchSnapshot } from '../../../src/protocol/messages/59-fetch-snapshot.ts'
import { updateRaftVoter } from '../../../src/protocol/messages/82-update-raft-voter.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'
import { metadataTopic, metadataTopicId } from '../../../src/quorum/metadata-partition.ts'
import type { ControllerSide } from './sides.ts'

/** What a test knows of the quorum it asks. */
export interface Facts {
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: string
  readonly epoch: number
  /** The end of the log. */
  readonly end: number
  /** The newest snapshot, or one that does not exist. */
  readonly snapshot: { readonly endOffset: number; readonly epoch: number }
}

export interface Step {
  readonly title: string
  readonly api: AnyApi
  readonly versions: readonly number[]
  body(facts: Facts): object
}

const otherDirectory = 'PAAAAAAAAAAAAAAAAAAAAA'
const noDirectory = 'AAAAAAAAAAAAAAAAAAAAAA'

/** Asks a controller about itself. */
export async function factsOf(side: ControllerSide): Promise<Facts> {
  const ask = (currentLeaderEpoch: number, fetchOffset: number, lastFetchedEpoch: number) =>
    side.ask(fetch, 18, fetchBody({ currentLeaderEpoch, fetchOffset, lastFetchedEpoch }, {}))
  const { leaderEpoch: epoch } = (await ask(0, 0, 0)).responses[0].partitions[0].currentLeader
  const topics = [{ topicName: metadataTopic, partitions: [{ partitionIndex: 0 }] }]
  const described = (await side.ask(describeQuorum, 2, { topics })).topics[0].partitions[0]
  const { snapshotId } = (await ask(epoch, 0, 0)).responses[0].partitions[0]
  const snapshot = snapshotId.endOffset < 0 ? { endOffset: 7, epoch: 1 } : snapshotId
  const { clusterId, nodeId, directoryId } = side
  const end = described.currentVoters[0].logEndOffset
  return { clusterId, nodeId, directoryId, epoch, end, snapshot }
}

/** A fetch of the metadata log by broker 7. */
export function fetchBody(partition: object, more: object) {
  return {
    ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1_048_576, sessionId: 0, sessionEpoch: -1 },
    replicaId: -1,
    replicaState: { replicaId: 7, replicaEpoch: -1 },
    topics: [
      {
        topicId: metadataTopicId,
        topic: '',
        partitions: [
          {
            ...{ partition: 0, logStartOffset: -1, partitionMaxBytes: 0 },
            ...{ replicaDirectoryId: otherDirectory, highWatermark: -1 },
            ...partition,
          },
        ],
      },
    ],
    forgottenTopicsData: [],
    rackId: '',
    ...more,
  }
}

type Where = (facts: Facts) => object

function fetching(title: string, where: Where, more: Where = () => ({}), versions = [13, 17, 18]) {
  return {
    ...{ title: `Fetch ${title}`, api: fetch, versions },
    body: (facts: Facts) =>
      fetchBody(
        {
          ...{ currentLeaderEpoch: facts.epoch, fetchOffset: facts.end },
          ...{ lastFetchedEpoch: facts.epoch, ...where(facts) },
        },
        more(facts),
      ),
  }
}

const sole = fetchBody({}, {}).topics[0]!

const fetches: readonly Step[] = [
  fetching('everything', () => ({ fetchOffset: 0, lastFetchedEpoch: 0 })),
  fetching(
    'little',
    () => ({ fetchOffset: 0, lastFetchedEpoch: 0 }),
    () => ({ maxBytes: 1 }),
  ),
  fetching('nothing', () => ({})),
  fetching('with the high watermark', ({ end }) => ({ highWatermark: end })),
  fetching('of a stale epoch', ({ epoch }) => ({
    ...{ currentLeaderEpoch: epoch - 1, lastFetchedEpoch: 0, fetchOffset: 0 },
  })),
  fetching('of a later epoch', ({ epoch }) => ({ currentLeaderEpoch: epoch + 1 })),
  fetching('beyond the end', ({ end }) => ({ fetchOffset: end + 5 })),
  fetching('of an epoch that was not', ({ end }) => ({ fetchOffset: end, lastFetchedEpoch: 0 })),
  fetching('of an epoch above the leader', ({ epoch }) => ({ lastFetchedEpoch: epoch + 1 })),
  fetching('without a last epoch', () => ({ lastFetchedEpoch: -1 })),
  fetching('at a negative offset', () => ({ fetchOffset: -1 })),
  fetching('in the middle', () => ({ fetchOffset: 3 })),
  fetching('at the first offset of epoch 0', () => ({ fetchOffset: 1, lastFetchedEpoch: 0 })),
  fetching(
    'with a negative wait',
    () => ({}),
    () => ({ maxWaitMs: -1 }),
  ),
  fetching(
    'with negative bytes',
    () => ({ fetchOffset: 0 }),
    () => ({ maxBytes: -1 }),
  ),
  fetching(
    'with negative bytes at the end',
    () => ({}),
    () => ({ maxBytes: -1 }),
  ),
  fetching(
    'of another cluster',
    () => ({}),
    () => ({ clusterId: 'another' }),
  ),
  fetching(
    'of this cluster',
    () => ({}),
    ({ clusterId }) => ({ clusterId }),
  ),
  fetching(
    'of a session',
    () => ({}),
    () => ({ sessionId: 77, sessionEpoch: 3 }),
  ),
  fetching(
    'of another topic',
    () => ({}),
    () => ({
      topics: [{ ...sole, topicId: otherDirectory }],
    }),
  ),
  fetching(
    'of two topics',
    () => ({}),
    () => ({ topics: [sole, sole] }),
  ),
  fetching(
    'of no topic',
    () => ({}),
    () => ({ topics: [] }),
  ),
  fetching('of another partition', () => ({ partition: 1 })),
  fetching(
    'of two partitions',
    () => ({}),
    () => ({
      topics: [{ ...sole, partitions: [...sole.partitions, ...sole.partitions] }],
    }),
  ),
  fetching(
    'by name',
    () => ({}),
    () => ({}),
    [4, 7, 12],
  ),
  fetching(
    'as the leader',
    () => ({}),
    ({ nodeId }) => ({
      ...{ replicaId: nodeId, replicaState: { replicaId: nodeId, replicaEpoch: -1 } },
    }),
  ),
  fetching(
    'as nobody',
    () => ({}),
    () => ({
      replicaState: { replicaId: -1, replicaEpoch: -1 },
    }),
  ),
]

function quorumTopics(partition: object) {
  return [{ topicName: metadataTopic, partitions: [{ partitionIndex: 0, ...partition }] }]
}

function voting(title: string, where: Where, more: Where = () => ({}), versions = [0, 1, 2]): Step {
  return {
    ...{ title: `Vote ${title}`, api: vote, versions },
    body: (facts) => ({
      ...{ clusterId: facts.clusterId, voterId: facts.nodeId },
      topics: quorumTopics({
        ...{ replicaEpoch: facts.epoch, replicaId: 7, replicaDirectoryId: otherDirectory },
        ...{ voterDirectoryId: facts.directoryId, lastOffsetEpoch: facts.epoch - 1 },
        ...{ lastOffset: facts.end, preVote: false },
        ...where(facts),
      }),
      ...more(facts),
    }),
  }
}

const votes: readonly Step[] = [
  voting('in this epoch', () => ({})),
  voting(
    'as a rehearsal',
    ({ epoch }) => ({ preVote: true, lastOffsetEpoch: epoch }),
    undefined,
    [2],
  ),
  voting('in a stale epoch', ({ epoch }) => ({ replicaEpoch: epoch - 1, lastOffsetEpoch: 0 })),
  voting('with an impossible last epoch', ({ epoch }) => ({ lastOffsetEpoch: epoch })),
  voting('with a negative last epoch', () => ({ lastOffsetEpoch: -1 })),
  voting('with a negative offset', () => ({ lastOffset: -1 })),
  voting('as nobody', () => ({ replicaId: -1 })),
  voting(
    'for another voter',
    () => ({}),
    () => ({ voterId: 5 }),
  ),
  voting('for another directory', () => ({ voterDirectoryId: otherDirectory })),
  voting('for an unknown directory', () => ({ voterDirectoryId: noDirectory })),
  voting(
    'in another cluster',
    () => ({}),
    () => ({ clusterId: 'another' }),
  ),
  voting(
    'about another topic',
    () => ({}),
    () => ({
      topics: [{ ...quorumTopics({})[0], topicName: 'other', partitions: [] }],
    }),
  ),
  voting(
    'about nothing',
    () => ({}),
    () => ({ topics: [] }),
  ),
]

const leaderEndpoints = [{ name: 'CONTROLLER', host: 'elsewhere', port: 1234 }]

function claiming(
  [name, api]: readonly [string, AnyApi],
  title: string,
  where: Where,
  more: Where = () => ({}),
): Step {
  return {
    ...{ title: `${name} ${title}`, api, versions: [0, 1] },
    body: (facts) => ({
      ...{ clusterId: facts.clusterId, voterId: facts.nodeId, leaderEndpoints },
      topics: quorumTopics({
        ...{ voterDirectoryId: facts.directoryId, leaderId: facts.nodeId },
        ...{ leaderEpoch: facts.epoch, preferredSuccessors: [], preferredCandidates: [] },
        ...where(facts),
      }),
      ...more(facts),
    }),
  }
}

const claims = (
  [
    ['BeginQuorumEpoch', beginQuorumEpoch],
    ['EndQuorumEpoch', endQuorumEpoch],
  ] as const
).flatMap((which) => [
  claiming(which, 'of the leader', () => ({})),
  claiming(which, 'of a stale epoch', ({ epoch }) => ({ leaderEpoch: epoch - 1, leaderId: 7 })),
  claiming(which, 'of nobody', () => ({ leaderId: -1 })),
  claiming(
    which,
    'of another cluster',
    () => ({}),
    () => ({ clusterId: 'another' }),
  ),
  claiming(
    which,
    'about nothing',
    () => ({}),
    () => ({ topics: [] }),
  ),
  claiming(
    which,
    'for another voter',
    () => ({}),
    () => ({ voterId: 5 }),
  ),
])

function describing(title: string, topics: object): Step {
  return {
    ...{ title: `DescribeQuorum ${title}`, api: describeQuorum, versions: [0, 1, 2] },
    body: () => ({ topics }),
  }
}

const described = [
  describing('of the quorum', quorumTopics({})),
  describing('of another topic', [{ topicName: 'other', partitions: [{ partitionIndex: 0 }] }]),
  describing('of another partition', quorumTopics({ partitionIndex: 1 })),
  describing('of nothing', []),
]

function snapping(title: string, where: Where, more: Where = () => ({})): Step {
  return {
    ...{ title: `FetchSnapshot ${title}`, api: fetchSnapshot, versions: [0, 1] },
    body: (facts) => ({
      ...{ clusterId: facts.clusterId, replicaId: 7, maxBytes: 1000 },
      topics: [
        {
          name: metadataTopic,
          partitions: [
            {
              ...{ partition: 0, currentLeaderEpoch: facts.epoch, position: 0 },
              snapshotId: facts.snapshot,
              replicaDirectoryId: otherDirectory,
              ...where(facts),
            },
          ],
        },
      ],
      ...more(facts),
    }),
  }
}

const snapshots: readonly Step[] = [
  snapping('from its start', () => ({})),
  snapping('from its middle', () => ({ position: 100 })),
  snapping(
    'without bytes',
    () => ({}),
    () => ({ maxBytes: 0 }),
  ),
  snapping('that does not exist', () => ({ snapshotId: { endOffset: 3, epoch: 1 } })),
  snapping('of formatting', () => ({ snapshotId: { endOffset: 0, epoch: 0 } })),
  snapping('beyond its end', () => ({ position: 10_000_000 })),
  snapping('at a negative position', () => ({ position: -1 })),
  snapping('of a stale epoch', ({ epoch }) => ({ currentLeaderEpoch: epoch - 1 })),
  snapping('of a later epoch', ({ epoch }) => ({ currentLeaderEpoch: epoch + 1 })),
  snapping(
    'of another cluster',
    () => ({}),
    () => ({ clusterId: 'another' }),
  ),
  snapping('of another partition', () => ({ partition: 1 })),
  snapping(
    'of nothing',
    () => ({}),
    () => ({ topics: [] }),
  ),
]

function updating(title: string, where: Where): Step {
  return {
    ...{ title: `UpdateRaftVoter ${title}`, api: updateRaftVoter, versions: [0] },
    body: (facts) => ({
      ...{ clusterId: facts.clusterId, currentLeaderEpoch: facts.epoch, voterId: 7 },
      ...{ voterDirectoryId: otherDirectory, listeners: leaderEndpoints },
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
      ...where(facts),
    }),
  }
}

const updates: readonly Step[] = [
  updating('of who is none', () => ({})),
  updating('of another cluster', () => ({ clusterId: 'another' })),
  updating('of a stale epoch', ({ epoch }) => ({ currentLeaderEpoch: epoch - 1 })),
  updating('of a later epoch', ({ epoch }) => ({ currentLeaderEpoch: epoch + 1 })),
  updating('of nobody', () => ({ voterId: -1 })),
  updating('without a directory', () => ({ voterDirectoryId: noDirectory })),
  updating('without the listener', () => ({
    listeners: [{ name: 'OTHER', host: 'elsewhere', port: 1 }],
  })),
  updating('with a reversed range', () => ({
    kRaftVersionFeature: { minSupportedVersion: 1, maxSupportedVersion: 0 },
  })),
  updating('with too small a range', () => ({
    kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 0 },
  })),
]

/** Requests that change nothing, each with its mistakes. */
export const quietSteps: readonly Step[] = [
  ...[...fetches, ...votes, ...claims, ...described, ...snapshots, ...updates],
]

/** Requests after which the only voter is elected again. */
export const deposingSteps: readonly Step[] = [
  voting('in a later epoch', ({ epoch }) => ({
    ...{ replicaEpoch: epoch + 1, lastOffsetEpoch: epoch },
  })),
  voting('in a later epoch with a longer log', ({ epoch, end }) => ({
    ...{ replicaEpoch: epoch + 4, lastOffsetEpoch: epoch, lastOffset: end + 1 },
  })),
  voting('in a later epoch with a shorter log', ({ epoch, end }) => ({
    ...{ replicaEpoch: epoch + 1, lastOffsetEpoch: epoch, lastOffset: end - 1 },
  })),
  voting(
    'in a later epoch for another voter',
    ({ epoch }) => ({
      ...{ replicaEpoch: epoch + 1, voterDirectoryId: otherDirectory },
    }),
    undefined,
    [1, 2],
  ),
  voting(
    'as a rehearsal of a later epoch',
    ({ epoch }) => ({
      ...{ replicaEpoch: epoch + 1, lastOffsetEpoch: epoch, preVote: true },
    }),
    undefined,
    [2],
  ),
  claiming(['BeginQuorumEpoch', beginQuorumEpoch], 'of a later epoch', ({ epoch }) => ({
    ...{ leaderId: 7, leaderEpoch: epoch + 1 },
  })),
  claiming(['EndQuorumEpoch', endQuorumEpoch], 'of a later epoch', ({ epoch }) => ({
    ...{ leaderId: 7, leaderEpoch: epoch + 2 },
  })),
].map((step) => ({ ...step, versions: step.versions.slice(-1) }))
