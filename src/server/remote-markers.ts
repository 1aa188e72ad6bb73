import { ChannelFault } from '../channel/channel.ts'
import type { Marker } from '../coordinator/coordinator-log.ts'
import { ApiError, errorName } from '../protocol/errors.ts'
import {
  type WriteTxnMarkersResponse,
  writeTxnMarkers,
} from '../protocol/messages/27-write-txn-markers.ts'
import type { BrokerChannels } from './broker-channels.ts'

interface Entry {
  readonly topic: string
  readonly index: number
  readonly marker: Marker
  readonly resolve: () => void
  readonly reject: (error: ApiError) => void
}

/** The version with the transaction version of a marker (KIP-890). */
const version = 2
/** Maximum number of partitions in one request. */
const partitionsMax = 1000

/**
 * Transaction markers for partitions on other brokers: one request at a time to each, with all
 * markers that have come meanwhile (Kafka's `TransactionMarkerChannelManager`).
 */
export class RemoteMarkers {
  private readonly channels: BrokerChannels
  private readonly timeoutMs: number
  private readonly waiting = new Map<number, Entry[]>()
  private readonly busy = new Set<number>()

  /** @param timeoutMs `request.timeout.ms` */
  constructor(channels: BrokerChannels, timeoutMs: number) {
    this.channels = channels
    this.timeoutMs = timeoutMs
  }

  /**
   * Writes a marker to one partition of a broker.
   * @throws (rejects) ApiError of the partition; NOT_LEADER_OR_FOLLOWER if the broker cannot be
   * reached, so that its leader is looked up again.
   */
  write(brokerId: number, topic: string, index: number, marker: Marker): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = { topic, index, marker, resolve, reject }
      const mine = this.waiting.get(brokerId)
      if (mine === undefined) this.waiting.set(brokerId, [entry])
      else mine.push(entry)
      // Markers of one transaction are asked for in one turn of the loop, and share a request.
      if (!this.busy.has(brokerId)) {
        this.busy.add(brokerId)
        void Promise.resolve().then(() => this.sendAll(brokerId))
      }
    })
  }

  private async sendAll(brokerId: number): Promise<void> {
    for (;;) {
      const waiting = this.waiting.get(brokerId) ?? []
      if (waiting.length === 0) break
      const [entries, left] = next(waiting)
      this.waiting.set(brokerId, left)
      await this.send(brokerId, entries)
    }
    this.waiting.delete(brokerId)
    this.busy.delete(brokerId)
  }

  private async send(brokerId: number, entries: readonly Entry[]): Promise<void> {
    const { channels, timeoutMs } = this
    const codes = new Map<string, number>()
    try {
      const channel = channels.to(brokerId)
      if (channel === null) throw new ChannelFault('disconnected', `no broker ${brokerId}`)
      const body = { markers: markersOf(entries) }
      const answer = await channel.send(writeTxnMarkers, version, body, { timeoutMs })
      for (const [key, code] of codesIn(answer)) codes.set(key, code)
    } catch (error) {
      const isFault = error instanceof ChannelFault
      for (const { reject } of entries) {
        reject(
          isFault ? new ApiError('NOT_LEADER_OR_FOLLOWER', error.message) : (error as ApiError),
        )
      }
      return
    }
    for (const entry of entries) {
      const code = codes.get(keyOf(entry.marker.producerId, entry.topic, entry.index))
      if (code === 0) entry.resolve()
      else entry.reject(new ApiError(code === undefined ? 'UNKNOWN_SERVER_ERROR' : errorName(code)))
    }
  }
}

/**
 * Splits off the entries of the next request. A producer has one marker in it, because the answer
 * names partitions by producer id.
 */
function next(waiting: readonly Entry[]): [Entry[], Entry[]] {
  const markers = new Map<number, Marker>()
  const chosen: Entry[] = []
  const left: Entry[] = []
  for (const entry of waiting) {
    const { marker } = entry
    const known = markers.get(marker.producerId) ?? marker
    if (chosen.length < partitionsMax && isSame(known, marker)) {
      markers.set(marker.producerId, marker)
      chosen.push(entry)
    } else left.push(entry)
  }
  return [chosen, left]
}

const isSame = (a: Marker, b: Marker) =>
  a.producerEpoch === b.producerEpoch &&
  a.coordinatorEpoch === b.coordinatorEpoch &&
  a.isCommit === b.isCommit &&
  a.transactionVersion === b.transactionVersion

const keyOf = (producerId: number, topic: string, index: number) =>
  `${producerId}/${index}/${topic}`

function markersOf(entries: readonly Entry[]) {
  const byProducer = new Map<number, Entry[]>()
  for (const entry of entries) {
    const { producerId } = entry.marker
    const mine = byProducer.get(producerId)
    if (mine === undefined) byProducer.set(producerId, [entry])
    else mine.push(entry)
  }
  return [...byProducer.values()].map((mine) => {
    const { producerId, producerEpoch, coordinatorEpoch, isCommit, transactionVersion } =
      mine[0]!.marker
    const topics = new Map<string, number[]>()
    for (const { topic, index } of mine) {
      const indexes = topics.get(topic)
      if (indexes === undefined) topics.set(topic, [index])
      else indexes.push(index)
    }
    return {
      ...{ producerId, producerEpoch, coordinatorEpoch, transactionVersion },
      transactionResult: isCommit,
      topics: [...topics].map(([name, partitionIndexes]) => ({ name, partitionIndexes })),
    }
  })
}

function* codesIn({
  markers,
}: Pick<WriteTxnMarkersResponse, 'markers'>): Generator<[string, number]> {
  for (const { producerId, topics } of markers) {
    for (const { name, partitions } of topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        yield [keyOf(producerId, name, partitionIndex), errorCode]
      }
    }
  }
}
