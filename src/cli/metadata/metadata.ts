import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import { endlessTurn } from '../../base/turns.ts'
import type { Carrier } from '../../channel/channel.ts'
import { BrokerSettings } from '../../metadata/config/settings.ts'
import type { Image } from '../../metadata/image.ts'
import { imageRecords } from '../../metadata/image-records.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { ImageLoader } from '../../quorum/observer/image-loader.ts'
import { observerLimits } from '../../quorum/observer/observer-limits.ts'
import { type CommittedSink, RaftObserver } from '../../quorum/observer/raft-observer.ts'
import { snapshotBatches } from '../../quorum/snapshot-file.ts'
import type { MetadataArguments } from '../arguments.ts'
import { LogPrinter, type Write } from './log-printer.ts'

/** How long, in ms, the controllers may take to answer for the first time. */
const firstAnswerMs = 30_000

/** An id with which the leader does not list it among the observers. */
const unlisted = -1

export interface MetadataRooms {
  readonly carrier: Carrier
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly write: Write
}

/**
 * `odradek metadata`: prints the metadata log of a cluster, or its state.
 * @returns the exit code.
 */
export async function runMetadata(args: MetadataArguments, rooms: MetadataRooms): Promise<number> {
  const { clock, logger, write } = rooms
  const printer = new LogPrinter(write, args.json)
  const loader = new ImageLoader({ tell: () => {} }, endlessTurn)
  let fail: (why: Error) => void = () => {}
  const failure = new Promise<never>((_, reject) => {
    fail = reject
  })
  const first = clock.after(firstAnswerMs, () =>
    fail(new Error(`no leader of the metadata log has answered within ${firstAnswerMs} ms`)),
  )
  const sink: CommittedSink = args.image ? loader : printer
  const raft = new RaftObserver({
    ...{ ...rooms, bootstrap: args.addresses, clusterId: null },
    ...{ nodeId: unlisted, directoryId: zeroUuid },
    limits: observerLimits(new BrokerSettings(new Map())),
    sink: {
      committed: (batches, highWatermark) => {
        first.clear()
        return sink.committed(batches, highWatermark)
      },
      snapshot: (id, bytes) => sink.snapshot(id, bytes),
    },
    controllerChanged: () => {},
    failed: fail,
  })
  try {
    await Promise.race([raft.refreshed(), failure])
    if (args.follow) await failure
    if (args.image) await printImage(printer, loader.image)
    return 0
  } catch (error) {
    logger.error((error as Error).message)
    return 1
  } finally {
    first.clear()
    await raft.close()
  }
}

/** Prints an image as the snapshot that it would be. */
async function printImage(printer: LogPrinter, image: Image): Promise<void> {
  const { epoch, offset, quorum } = image
  const content = { epoch, timestampMs: 0, lastContainedLogTimestampMs: 0, quorum }
  const batches = [...snapshotBatches({ ...content, records: imageRecords(image) })]
  await printer.snapshot({ endOffset: offset + 1, epoch }, Buffer.concat(batches))
}
