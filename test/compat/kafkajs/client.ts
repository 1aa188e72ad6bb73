import zstd from '@mongodb-js/zstd'
import kafkajs, { type EachMessagePayload, type Kafka, type KafkaConfig } from 'kafkajs'
import lz4 from 'lz4-napi'
import snappy from 'snappy'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** kafkajs's interface of a codec: `encoder.buffer` has the bytes of the records. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
/** Magic, version and compatible version: the header of the Java clients' snappy stream. */
const xerialHeaderBytes = xerialMagic.length + 8

async function unsnap(buffer: Buffer): Promise<Buffer> {
  const plain = async (bytes: Buffer) => Buffer.from(await snappy.uncompress(bytes))
  if (!buffer.subarray(0, xerialMagic.length).equals(xerialMagic)) return plain(buffer)
  const parts: Buffer[] = []
  for (let at = xerialHeaderBytes; at < buffer.length; ) {
    const length = buffer.readInt32BE(at)
    parts.push(await plain(buffer.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return Buffer.concat(parts)
}

const codecs: Record<number, Codec> = {
  [CompressionTypes.Snappy]: {
    compress: async ({ buffer }) => Buffer.from(await snappy.compress(buffer)),
    decompress: unsnap,
  },
  [CompressionTypes.LZ4]: {
    compress: ({ buffer }) => lz4.compressFrame(buffer),
    decompress: (buffer) => lz4.decompressFrame(buffer),
  },
  [CompressionTypes.ZSTD]: {
    compress: ({ buffer }) => zstd.compress(buffer),
    decompress: (buffer) => zstd.decompress(buffer),
  },
}
for (const [type, codec] of Object.entries(codecs)) {
  CompressionCodecs[Number(type) as 2] = () => codec
}

/** Codecs by the names of the Java tools; kafkajs has gzip, and gets the others from here. */
export const compressionTypes = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const

/**
 * @param bootstrap addresses, separated by commas.
 * @returns a kafkajs client that retries quickly and logs only errors, if anything.
 */
export function client(bootstrap: string, config: Partial<KafkaConfig> = {}): Kafka {
  const { ODRADEK_COMPAT_LOG } = process.env
  return new kafkajs.Kafka({
    clientId: 'kafkajs-suite',
    brokers: bootstrap.split(','),
    logLevel: ODRADEK_COMPAT_LOG === '1' ? kafkajs.logLevel.DEBUG : kafkajs.logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 60 },
    ...config,
  })
}

/**
 * Group timings for tests: short heartbeats, and the shortest session that Apache Kafka permits.
 */
export const groupTimings = {
  heartbeatInterval: 200,
  sessionTimeout: 6_000,
  rebalanceTimeout: 10_000,
  maxWaitTimeInMs: 100,
} as const

/** Polls until `holds` returns true. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export interface Seen {
  readonly partition: number
  readonly offset: number
  readonly value: string
  readonly member: string
}

/** A running member of a group that notes its messages and partitions. */
export interface Member {
  readonly name: string
  readonly seen: Seen[]
  owned: number[]
  /** Assignments received so far. */
  joins: number
  stop(): Promise<void>
}

interface MemberOptions {
  readonly name?: string
  readonly topic: string
  readonly groupId: string
  readonly fromBeginning?: boolean
  readonly onMessage?: (payload: EachMessagePayload) => Promise<void>
  /** Where the member notes its messages: its own list, or a shared one. */
  readonly seen?: Seen[]
  readonly timings?: { readonly sessionTimeout?: number }
}

/** Starts a member that commits every 100 ms, or after each message. */
export async function startMember(kafka: Kafka, options: MemberOptions): Promise<Member> {
  const { name = 'only', topic, groupId, fromBeginning = true, seen = [] } = options
  const consumer = kafka.consumer({ groupId, ...groupTimings, ...options.timings })
  const member: Member = {
    name,
    seen,
    owned: [],
    joins: 0,
    stop: async () => {
      await consumer.disconnect()
      member.owned = []
    },
  }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.owned = [...(payload.memberAssignment[topic] ?? [])].toSorted((a, b) => a - b)
    member.joins++
  })
  consumer.on(consumer.events.REBALANCING, () => {
    member.owned = []
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning })
  await consumer.run({
    autoCommitInterval: 100,
    eachMessage: async (payload) => {
      const { partition, message } = payload
      const value = String(message.value)
      seen.push({ partition, offset: Number(message.offset), value, member: name })
      await options.onMessage?.(payload)
    },
  })
  return member
}

/** Reads `count` records of a topic from its beginning in a new group. */
export async function readAll(
  kafka: Kafka,
  topic: string,
  count: number,
): Promise<EachMessagePayload[]> {
  const consumer = kafka.consumer({
    groupId: `read-${topic}-${process.hrtime.bigint()}`,
    ...groupTimings,
  })
  const got: EachMessagePayload[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async (payload) => {
        got.push(payload)
      },
    })
    await until(`${count} records of ${topic}, ${got.length} came`, () => got.length >= count)
  } finally {
    await consumer.disconnect()
  }
  return got
}
