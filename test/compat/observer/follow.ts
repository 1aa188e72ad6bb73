import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { endlessTurn } from '../../../src/base/turns.ts'
import type { NodeAddress } from '../../../src/channel/channel.ts'
import { NodeDialer } from '../../../src/channel/node-dialer.ts'
import { TcpCarrier } from '../../../src/channel/tcp-carrier.ts'
import { BrokerSettings } from '../../../src/metadata/config/settings.ts'
import { emptyImage, type Image } from '../../../src/metadata/image.ts'
import { Batch } from '../../../src/protocol/records/batch.ts'
import { readRecords, writeBatch } from '../../../src/protocol/records/record.ts'
import type { OffsetAndEpoch } from '../../../src/quorum/observer/followed-log.ts'
import { ImageLoader } from '../../../src/quorum/observer/image-loader.ts'
import { MetadataObserver } from '../../../src/quorum/observer/metadata-observer.ts'
import { observerLimits } from '../../../src/quorum/observer/observer-limits.ts'
import { RaftObserver } from '../../../src/quorum/observer/raft-observer.ts'

export const carrier = new TcpCarrier({
  ...{ dialer: new NodeDialer(), clock: systemClock, random: systemRandom, login: null },
})

export const observerId = 9
export const observerDirectory = 'b2JzZXJ2ZXItZGlyLS0tLQ'

type Limits = Partial<ReturnType<typeof observerLimits>>

const common = (bootstrap: readonly NodeAddress[], limits: Limits, faults: Error[]) => ({
  ...{ carrier, bootstrap, nodeId: observerId, directoryId: observerDirectory, clusterId: null },
  limits: { ...observerLimits(new BrokerSettings(new Map())), ...limits },
  ...{ clock: systemClock, random: systemRandom, logger: silentLogger },
  failed: (fault: Error) => void faults.push(fault),
})

/** Follows a quorum; keeps all that it was given, until `hold` keeps it from asking for more. */
export function gather(bootstrap: readonly NodeAddress[], limits: Limits = {}) {
  let newest = emptyImage
  const loader = new ImageLoader({ tell: (image) => void (newest = image) }, endlessTurn)
  const seen = {
    batches: [] as Buffer[],
    snapshots: [] as OffsetAndEpoch[],
    highWatermarks: [] as number[],
    /** The leaders that were named, in order. */
    leaders: [] as number[],
    faults: [] as Error[],
  }
  let held: Promise<void> = Promise.resolve()
  const raft = new RaftObserver({
    ...common(bootstrap, limits, seen.faults),
    controllerChanged: (leader) => void (leader !== null && seen.leaders.push(leader.nodeId)),
    sink: {
      committed: async (more, highWatermark) => {
        seen.batches.push(...more)
        seen.highWatermarks.push(raft.highWatermark)
        await loader.committed(more, highWatermark)
        await held
      },
      snapshot: async (id, bytes) => {
        seen.snapshots.push(id)
        await loader.snapshot(id, bytes)
      },
    },
  })
  const hold = () => {
    let release = () => {}
    held = new Promise((resolve) => (release = resolve))
    return release
  }
  return { raft, ...seen, hold, image: () => newest }
}

/** Follows a quorum as a broker does. */
export function observe(bootstrap: readonly NodeAddress[], limits: Limits = {}) {
  const faults: Error[] = []
  const observer = new MetadataObserver({
    ...common(bootstrap, limits, faults),
    ...{ name: 'a test', turns: endlessTurn },
  })
  return { observer, faults }
}

/** Returns an image after each record, as if each were a batch. */
export async function imageOfEach(batches: readonly Buffer[]): Promise<Image[]> {
  const images: Image[] = []
  const tell = (image: Image) => void (image.offset >= 0 && images.push(image))
  const loader = new ImageLoader({ tell }, endlessTurn)
  for (const bytes of batches) {
    const batch = new Batch(bytes)
    const { leaderEpoch, isControl } = batch
    for (const { offset: baseOffset, ...record } of await readRecords(batch)) {
      const one = writeBatch({ baseOffset, leaderEpoch, isControl, records: [record] })
      // A high watermark of zero: it has caught up from its first record on.
      await loader.committed([one], 0)
    }
  }
  return images
}
