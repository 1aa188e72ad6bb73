import { type LogFields, silentLogger } from '../../../src/base/logger.ts'
import { endlessTurn } from '../../../src/base/turns.ts'
import { BrokerSettings } from '../../../src/metadata/config/settings.ts'
import type { Image } from '../../../src/metadata/image.ts'
import { metadataRecord } from '../../../src/metadata/records.ts'
import { topicRecord } from '../../../src/protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../../../src/protocol/stored/metadata/03-partition-record.ts'
import { MetadataObserver } from '../../../src/quorum/observer/metadata-observer.ts'
import { observerLimits } from '../../../src/quorum/observer/observer-limits.ts'
import { FaultyCarrier } from '../../../src/sim/faulty-carrier.ts'
import { type FaultRules, FaultyNetwork, noFaults } from '../../../src/sim/faulty-network.ts'
import { SteppedClock } from '../../coordinator/group/stepped-clock.ts'
import { seededRandom } from '../../storage/logs.ts'
import { FakeQuorum } from './fake-quorum.ts'

/** Starts an observer of a fake quorum; `before` prepares the quorum. */
export function observe(
  options: {
    readonly before?: (quorum: FakeQuorum) => void
    readonly seed?: number
    readonly limits?: Partial<ReturnType<typeof observerLimits>>
    readonly rules?: Partial<FaultRules>
  } = {},
) {
  const { before = () => {}, seed = 1, limits = {}, rules = {} } = options
  const clock = new SteppedClock()
  const quorum = new FakeQuorum(clock)
  const network = new FaultyNetwork({ clock, random: seededRandom(seed) })
  network.rules = { ...noFaults, ...rules }
  before(quorum)
  const lines: string[] = []
  const faults: Error[] = []
  const note = (message: string, fields?: LogFields) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`)
  const observer = new MetadataObserver({
    carrier: new FaultyCarrier({ inner: quorum, network, nodeId: 1 }),
    ...{ bootstrap: quorum.bootstrap, name: 'broker 1', nodeId: 1 },
    ...{ directoryId: 'directoryAAAAAAAAAAAAA', clusterId: 'clusterAAAAAAAAAAAAAAA' },
    limits: { ...observerLimits(new BrokerSettings(new Map())), ...limits },
    ...{ clock, random: seededRandom(seed), turns: endlessTurn },
    logger: { ...silentLogger, info: note, warn: note, error: note },
    failed: (fault) => void faults.push(fault),
  })
  return { clock, quorum, network, observer, lines, faults }
}

/** The records of a topic with one partition; its id begins with its name. */
export function topicRecords(name: string) {
  const topicId = name.padEnd(22, 'A')
  return [
    metadataRecord(topicRecord, { name, topicId }),
    metadataRecord(partitionRecord, {
      ...{ partitionId: 0, topicId, replicas: [1], isr: [1], leader: 1 },
      ...{ removingReplicas: [], addingReplicas: [], directories: ['AAAAAAAAAAAAAAAAAAAAAQ'] },
      ...{ leaderEpoch: 0, partitionEpoch: 0 },
    }),
  ]
}

export const topicsOf = (image: Image) => [...image.topics.keys()].sort().join()

/** Returns an image as plain values, whose order does not depend on its history. */
export function plain(image: Image): unknown {
  return JSON.parse(
    JSON.stringify(image, (_, value: unknown) =>
      value !== null &&
      typeof value === 'object' &&
      Symbol.iterator in value &&
      !Array.isArray(value)
        ? [...(value as Iterable<readonly [unknown, unknown]>)].sort(([a], [b]) =>
            String(a) < String(b) ? -1 : 1,
          )
        : value,
    ),
  )
}
