import type { Clock } from '../../../src/base/clock.ts'
import { once } from '../../../src/base/once.ts'
import { endlessTurn } from '../../../src/base/turns.ts'
import {
  type Carrier,
  type Channel,
  ChannelFault,
  type NodeAddress,
} from '../../../src/channel/channel.ts'
import { emptyImage } from '../../../src/metadata/image.ts'
import { imageRecords } from '../../../src/metadata/image-records.ts'
import { encodeMetadataRecord, type MetadataRecord } from '../../../src/metadata/records.ts'
import { codecOf, encodeData } from '../../../src/protocol/codec.ts'
import { type ErrorName, errorCode } from '../../../src/protocol/errors.ts'
import type { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import type { fetchSnapshot } from '../../../src/protocol/messages/59-fetch-snapshot.ts'
import { Reader } from '../../../src/protocol/reader.ts'
import { Batch } from '../../../src/protocol/records/batch.ts'
import { controlTypes, writeControlBatch } from '../../../src/protocol/records/control.ts'
import { writeBatch } from '../../../src/protocol/records/record.ts'
import type { Draft, Fields, Infer } from '../../../src/protocol/schema.ts'
import { leaderChangeMessage } from '../../../src/protocol/stored/raft/leader-change-message.ts'
import { Writer } from '../../../src/protocol/writer.ts'
import type { OffsetAndEpoch } from '../../../src/quorum/observer/followed-log.ts'
import { ImageLoader } from '../../../src/quorum/observer/image-loader.ts'
import { snapshotBatches } from '../../../src/quorum/snapshot-file.ts'

export type FetchBody = Infer<typeof fetch.request>
type FetchAnswer = Draft<typeof fetch.response>
type PieceBody = Infer<typeof fetchSnapshot.request>
type PieceAnswer = Draft<typeof fetchSnapshot.response>
type Partition = FetchAnswer['responses'][number]['partitions'][number]

/** Answers one request instead of the quorum; undefined lets the quorum answer. */
export type Script = (
  asked: Asked,
) => FetchAnswer | PieceAnswer | ChannelFault | 'silence' | undefined
export interface Asked {
  readonly port: number
  readonly fetch: FetchBody | null
  readonly piece: PieceBody | null
}

const nobody = -1

/** Builds a batch of metadata records, as a controller writes it. */
export function recordBatch(
  baseOffset: number,
  leaderEpoch: number,
  records: readonly MetadataRecord[],
): Buffer {
  const values = records.map((record) => encodeMetadataRecord(record))
  return writeBatch({
    ...{ baseOffset, leaderEpoch },
    records: values.map((value) => ({ key: null, value, timestampMs: 1 })),
  })
}

/** Builds the first batch of an epoch. */
export function leaderChangeBatch(baseOffset: number, leaderEpoch: number, id: number): Buffer {
  const message = { version: 0, leaderId: id, voters: [], grantingVoters: [] }
  const value = encodeData(leaderChangeMessage, 0, message)
  const records = [{ type: controlTypes.leaderChange, value }]
  return writeControlBatch({ records, timestampMs: 1, leaderEpoch, baseOffset })
}

/** The controllers 3000 to 3002 on the ports of the same numbers, in memory; one of them leads. */
export class FakeQuorum implements Carrier {
  readonly bootstrap: readonly NodeAddress[] = [3000, 3001, 3002].map((port) => ({
    ...{ nodeId: -1, host: 'quorum', port },
  }))
  epoch = 1
  leaderId = 3000
  /** -1 while the leader does not know it. */
  highWatermark = 0
  logStart = 0
  batches: Buffer[] = []
  snapshots: { readonly id: OffsetAndEpoch; readonly bytes: Buffer }[] = []
  /** Ports that answer nothing. */
  readonly silent = new Set<number>()
  /** Ports that refuse connections. */
  readonly down = new Set<number>()
  script: Script = () => undefined
  /** All requests, in the order of their arrival. */
  readonly asked: Asked[] = []
  /** Number of requests without an answer. */
  inFlight = 0
  openChannels = 0
  private readonly clock: Clock
  private wake: (() => void)[] = []

  constructor(clock: Clock) {
    this.clock = clock
  }

  get endOffset(): number {
    return this.batches.length === 0 ? this.logStart : new Batch(this.batches.at(-1)!).nextOffset
  }

  append(records: readonly MetadataRecord[]): void {
    this.batches.push(recordBatch(this.endOffset, this.epoch, records))
    this.changed()
  }

  commit(offset = this.endOffset): void {
    this.highWatermark = offset
    this.changed()
  }

  /** Elects a leader, which cuts its log at an offset and writes its first batch. */
  elect(id: number, cutAt = this.endOffset): void {
    this.epoch++
    this.leaderId = id
    this.batches = this.batches.filter((bytes) => new Batch(bytes).nextOffset <= cutAt)
    this.batches.push(leaderChangeBatch(this.endOffset, this.epoch, id))
    this.highWatermark = -1
    this.changed()
  }

  /** Ends the epoch without a new leader. */
  depose(): void {
    this.epoch++
    this.leaderId = nobody
    this.changed()
  }

  /** Replaces the committed part of the log by a snapshot. */
  async snapshot(): Promise<void> {
    const image = await this.committedImage()
    const { offset, epoch } = image
    const bytes = Buffer.concat([
      ...snapshotBatches({
        ...{ epoch, timestampMs: 1, lastContainedLogTimestampMs: 1, quorum: image.quorum },
        records: imageRecords(image),
      }),
    ])
    this.snapshots = [{ id: { endOffset: offset + 1, epoch }, bytes }]
    this.logStart = offset + 1
    this.batches = this.batches.filter((batch) => new Batch(batch).baseOffset >= this.logStart)
    this.changed()
  }

  /** Replays the newest snapshot and the log below the high watermark. */
  async committedImage() {
    let image = emptyImage
    const loader = new ImageLoader({ tell: (newest) => void (image = newest) }, endlessTurn)
    const [snapshot] = this.snapshots
    if (snapshot !== undefined) await loader.snapshot(snapshot.id, snapshot.bytes)
    const below = this.batches.filter((one) => new Batch(one).nextOffset <= this.highWatermark)
    await loader.committed(below, 0)
    return image
  }

  open({ port }: NodeAddress): Channel {
    this.openChannels++
    let close = () => {}
    const closed = new Promise<never>((_, reject) => {
      close = () => reject(new ChannelFault('closed', 'closed'))
    })
    closed.catch(() => {})
    return {
      served: null,
      send: async (api, version, body, { timeoutMs }) => {
        const request = codecOf(api.request, version, api.flexible)
        const timer = this.timeout(timeoutMs)
        this.inFlight++
        try {
          const asked = through(request, body)
          const answer = await Promise.race([this.answer(port, api.key, asked), timer.ring, closed])
          return through(codecOf(api.response, version, api.flexible), answer as never) as never
        } finally {
          this.inFlight--
          timer.clear()
        }
      },
      close: once(() => {
        this.openChannels--
        close()
      }),
    }
  }

  private timeout(timeoutMs: number) {
    let clear = () => {}
    const ring = new Promise<never>((_, reject) => {
      const fault = new ChannelFault('timedOut', `no response in ${timeoutMs} ms`)
      clear = this.clock.after(timeoutMs, () => reject(fault)).clear
    })
    return { ring, clear }
  }

  private async answer(port: number, key: number, body: unknown) {
    const asked = {
      port,
      fetch: key === 1 ? (body as FetchBody) : null,
      piece: key === 59 ? (body as PieceBody) : null,
    }
    this.asked.push(asked)
    await Promise.resolve()
    const scripted = this.script(asked)
    if (scripted === 'silence' || this.silent.has(port)) return new Promise<never>(() => {})
    if (scripted instanceof ChannelFault) throw scripted
    if (scripted !== undefined) return scripted
    if (this.down.has(port)) throw new ChannelFault('disconnected', 'connection refused')
    return asked.fetch === null ? this.pieceOf(port, asked.piece!) : this.fetched(port, asked.fetch)
  }

  private async fetched(port: number, body: FetchBody): Promise<FetchAnswer> {
    const asked = body.topics[0]!.partitions[0]!
    const error = this.errorFor(port, asked.currentLeaderEpoch)
    if (error !== 'NONE') return this.fetchAnswer({ errorCode: errorCode(error) })
    const { fetchOffset, lastFetchedEpoch } = asked
    const snapshot = this.snapshots.at(-1)
    const isBehind = fetchOffset < this.logStart || lastFetchedEpoch < (snapshot?.id.epoch ?? 0)
    if (snapshot !== undefined && (fetchOffset === 0 || isBehind)) {
      return this.fetchAnswer({ snapshotId: snapshot.id })
    }
    const end = this.endOfEpoch(lastFetchedEpoch)
    if (end.epoch !== lastFetchedEpoch || end.endOffset < fetchOffset) {
      return this.fetchAnswer({ divergingEpoch: end })
    }
    const hasNews = () =>
      this.endOffset > fetchOffset ||
      this.highWatermark > asked.highWatermark ||
      this.errorFor(port, asked.currentLeaderEpoch) !== 'NONE'
    if (!hasNews()) await this.news(body.maxWaitMs)
    if (this.down.has(port)) throw new ChannelFault('disconnected', 'connection closed')
    const now = this.errorFor(port, asked.currentLeaderEpoch)
    if (now !== 'NONE') return this.fetchAnswer({ errorCode: errorCode(now) })
    const bytes = Buffer.concat(this.batches.filter((b) => new Batch(b).baseOffset >= fetchOffset))
    const first = bytes.length === 0 ? 0 : new Batch(bytes).sizeBytes
    return this.fetchAnswer({ records: bytes.subarray(0, Math.max(first, body.maxBytes)) })
  }

  /** Builds an answer of this quorum to Fetch with some fields of the partition. */
  fetchAnswer(fields: Partial<Partition>): FetchAnswer {
    return {
      responses: [
        {
          topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
          partitions: [
            {
              ...{ partitionIndex: 0, errorCode: 0, highWatermark: this.highWatermark },
              ...{ abortedTransactions: [], records: null },
              currentLeader: { leaderId: this.leaderId, leaderEpoch: this.epoch },
              ...fields,
            },
          ],
        },
      ],
      nodeEndpoints: this.leaderId < 0 ? [] : [this.endpoint(this.leaderId)],
    }
  }

  /** The address that the quorum gives for a node: its port is that of its id. */
  endpoint(nodeId: number) {
    return { nodeId, host: 'quorum', port: nodeId }
  }

  private pieceOf(port: number, body: PieceBody): PieceAnswer {
    const asked = body.topics[0]!.partitions[0]!
    const { snapshotId, position } = asked
    const found = this.snapshots.find(({ id }) => id.endOffset === snapshotId.endOffset)
    // As in Kafka 4.4.0, where an error of the partition cannot be encoded.
    const isError = this.errorFor(port, asked.currentLeaderEpoch) !== 'NONE'
    if (isError || found === undefined) return { errorCode: -1, topics: [] }
    const piece = {
      ...{ index: 0, errorCode: 0, snapshotId, size: found.bytes.length, position },
      currentLeader: { leaderId: this.leaderId, leaderEpoch: this.epoch },
      unalignedRecords: found.bytes.subarray(position, position + body.maxBytes),
    }
    return { errorCode: 0, topics: [{ name: '__cluster_metadata', partitions: [piece] }] }
  }

  private errorFor(port: number, epoch: number): ErrorName {
    if (epoch < this.epoch) return 'FENCED_LEADER_EPOCH'
    if (epoch > this.epoch) return 'UNKNOWN_LEADER_EPOCH'
    return port === this.leaderId ? 'NONE' : 'NOT_LEADER_OR_FOLLOWER'
  }

  /** The largest epoch of the log that is not above the given one, and its end. */
  private endOfEpoch(asked: number): OffsetAndEpoch {
    let end: OffsetAndEpoch = this.snapshots.at(-1)?.id ?? { endOffset: 0, epoch: 0 }
    for (const bytes of this.batches) {
      const { leaderEpoch, nextOffset } = new Batch(bytes)
      if (leaderEpoch <= asked) end = { epoch: leaderEpoch, endOffset: nextOffset }
    }
    return end
  }

  private news(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.after(waitMs, resolve)
      this.wake.push(() => {
        timer.clear()
        resolve()
      })
    })
  }

  private changed(): void {
    const woken = this.wake
    this.wake = []
    for (const run of woken) run()
  }
}

/** Encodes and decodes a value, which fills in the defaults. */
function through<F extends Fields>(
  codec: ReturnType<typeof codecOf<F>>,
  value: Draft<F>,
): Infer<F> {
  const writer = new Writer()
  codec.write(writer, value)
  return codec.read(new Reader(writer.toBuffer()))
}
