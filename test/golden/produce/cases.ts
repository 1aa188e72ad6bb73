import { crc32c } from '../../../src/base/crc32c.ts'
import { writeBatch, writeCompressedBatch } from '../../../src/protocol/records/record.ts'
import { seededRandom } from '../../storage/logs.ts'

/** The topics of the cases, by their settings. */
export const topics: Record<string, Record<string, string>> = {
  plain: {},
  compact: { 'cleanup.policy': 'compact' },
  appendtime: { 'message.timestamp.type': 'LogAppendTime' },
  gzip: { 'compression.type': 'gzip' },
  uncompressed: { 'compression.type': 'uncompressed' },
  small: { 'max.message.bytes': '400' },
  tinysegment: { 'segment.bytes': '1048576', 'max.message.bytes': '10000000' },
  hour: { 'message.timestamp.before.max.ms': '3600000', 'message.timestamp.after.max.ms': '60000' },
}

export interface ValidationCase {
  readonly name: string
  readonly topic: string
  readonly version?: number
  readonly batch: Buffer
}

const hourMs = 3_600_000
const sign = (bytes: Buffer) => {
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

/** Cases around the time `nowMs`; every batch is new, because validation writes into it. */
export async function validationCases(nowMs: number): Promise<ValidationCase[]> {
  const record = (i: number, timestampMs = nowMs) => ({
    key: Buffer.from(`k${i}`),
    value: Buffer.from(`value ${i}`),
    timestampMs,
  })
  const three = () => [record(0), record(1), record(2)]
  const plain = () => writeBatch({ records: three() })
  const edited = (edit: (bytes: Buffer) => void) => {
    const bytes = plain()
    edit(bytes)
    return sign(bytes)
  }
  const unsigned = (edit: (bytes: Buffer) => void) => {
    const bytes = plain()
    edit(bytes)
    return bytes
  }
  const times = (...deltas: number[]) =>
    writeBatch({ records: deltas.map((delta, i) => record(i, nowMs + delta)) })
  const keyless = (...keys: boolean[]) =>
    writeBatch({
      records: keys.map((has, i) => ({ ...record(i), key: has ? Buffer.from('k') : null })),
    })
  const zstd = await writeCompressedBatch({ records: three() }, 'zstd')
  const gzip = await writeCompressedBatch({ records: three() }, 'gzip')
  const everyCodec = await Promise.all(
    (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const).flatMap((codec) =>
      Object.keys(topics).map(async (topic) => ({
        name: `${codec} to ${topic}`,
        topic,
        batch: await writeCompressedBatch({ records: three() }, codec),
      })),
    ),
  )
  const ofPlain: Record<string, Buffer> = {
    'one byte changed': unsigned((b) => (b[70]! ^= 1)),
    'base offset 5': unsigned((b) => b.writeInt32BE(5, 4)),
    'leader epoch 7': unsigned((b) => b.writeInt32BE(7, 12)),
    'magic 3': unsigned((b) => (b[16] = 3)),
    'magic 1': unsigned((b) => (b[16] = 1)),
    'magic 0': unsigned((b) => (b[16] = 0)),
    'magic -1': unsigned((b) => (b[16] = 255)),
    'length 13': unsigned((b) => b.writeInt32BE(13, 8)),
    'length 40': unsigned((b) => b.writeInt32BE(40, 8)),
    'length 0': unsigned((b) => b.writeInt32BE(0, 8)),
    'length -1': unsigned((b) => b.writeInt32BE(-1, 8)),
    'length one too many': unsigned((b) => b.writeInt32BE(b.length - 11, 8)),
    'length one too few': sign(unsigned((b) => b.writeInt32BE(b.length - 13, 8))),
    'no bytes': Buffer.alloc(0),
    '16 bytes': plain().subarray(0, 16),
    '60 bytes': plain().subarray(0, 60),
    'two batches': Buffer.concat([plain(), plain()]),
    'a batch and rubbish': Buffer.concat([plain(), Buffer.from('rubbish')]),
    'a batch and half a batch': Buffer.concat([plain(), plain().subarray(0, 40)]),
    'control flag': edited((b) => b.writeInt16BE(0x20, 21)),
    'append time flag': edited((b) => b.writeInt16BE(0x08, 21)),
    'delete horizon flag': edited((b) => b.writeInt16BE(0x40, 21)),
    'unknown attributes': edited((b) => b.writeInt16BE(0x0f00, 21)),
    'codec 5': edited((b) => b.writeInt16BE(5, 21)),
    'codec 7': edited((b) => b.writeInt16BE(7, 21)),
    'gzip flag on plain records': edited((b) => b.writeInt16BE(1, 21)),
    'snappy flag on plain records': edited((b) => b.writeInt16BE(2, 21)),
    'lz4 flag on plain records': edited((b) => b.writeInt16BE(3, 21)),
    'zstd flag on plain records': edited((b) => b.writeInt16BE(4, 21)),
    'count 2 of 3': edited((b) => b.writeInt32BE(2, 57)),
    'count 0': edited((b) => b.writeInt32BE(0, 57)),
    'count -1': edited((b) => b.writeInt32BE(-1, 57)),
    'last offset delta 1 of 2': edited((b) => b.writeInt32BE(1, 23)),
    'last offset delta -1': edited((b) => b.writeInt32BE(-1, 23)),
    'count 2, last offset delta 1': edited((b) => {
      b.writeInt32BE(1, 23)
      b.writeInt32BE(2, 57)
    }),
    'count 4, last offset delta 3': edited((b) => {
      b.writeInt32BE(3, 23)
      b.writeInt32BE(4, 57)
    }),
    'greatest timestamp too small': edited((b) => b.writeUInt32BE(0, 39)),
    'producer id without sequence': edited((b) => b.writeInt32BE(9, 47) && b.writeInt32BE(0, 43)),
    'record length 0': edited((b) => (b[61] = 0)),
    'record length too large': edited((b) => (b[61] = 0x7e)),
    'record length negative': edited((b) => (b[61] = 1)),
    'record key length beyond the record': edited((b) => (b[65] = 0x7e)),
    'record header count too large': edited((b) => (b[61 + (b[61]! >> 1)] = 0x7e)),
    'record header count negative': edited((b) => (b[61 + (b[61]! >> 1)] = 1)),
    'record offset delta 9': edited((b) => (b[64] = 18)),
    'timestamp an hour and more ahead': times(0, hourMs + 60_000),
    'timestamp long ago': times(-1e12),
    'timestamp -1': writeBatch({ records: [record(0, -1)] }),
    'no records': writeBatch({ records: [] }),
    'as it should be': plain(),
  }
  const ofGzip: Record<string, (bytes: Buffer) => void> = {
    'count 2, last offset delta 1': (b) => {
      b.writeInt32BE(1, 23)
      b.writeInt32BE(2, 57)
    },
    'count 4, last offset delta 3': (b) => {
      b.writeInt32BE(3, 23)
      b.writeInt32BE(4, 57)
    },
    'payload damaged': (b) => (b[80]! ^= 0xff),
    'payload damaged at its start': (b) => (b[61]! ^= 0xff),
  }
  return [
    ...Object.entries(ofPlain).map(([name, batch]) => ({ name, topic: 'plain', batch })),
    ...Object.entries(ofGzip).map(([name, edit]) => {
      const batch = Buffer.from(gzip)
      edit(batch)
      return { name: `gzip: ${name}`, topic: 'plain', batch: sign(batch) }
    }),
    { name: 'zstd in version 6', topic: 'plain', version: 6, batch: zstd },
    { name: 'two batches in version 8', topic: 'plain', version: 8, batch: ofPlain['two batches']! },
    { name: 'append time flag', topic: 'appendtime', batch: Buffer.from(ofPlain['append time flag']!) },
    { name: 'long ago', topic: 'appendtime', batch: times(-1e12) },
    { name: 'keys', topic: 'compact', batch: keyless(true, true) },
    { name: 'one without a key', topic: 'compact', batch: keyless(true, false, true) },
    { name: 'four without a key', topic: 'compact', batch: keyless(false, false, false, false) },
    { name: 'keyless and too new', topic: 'compact', batch: writeBatch({
      records: [{ ...record(0), key: null }, record(1, nowMs + 2 * hourMs)],
    }) },
    { name: 'older than an hour', topic: 'hour', batch: times(0, -hourMs - 60_000, 0) },
    { name: 'newer than a minute', topic: 'hour', batch: times(90_000, 0, 90_000) },
    { name: 'within the hour', topic: 'hour', batch: times(-hourMs + 60_000, 0, 30_000) },
    { name: 'larger than allowed', topic: 'small', batch: writeBatch({
      records: [{ ...record(0), value: Buffer.alloc(500) }],
    }) },
    { name: 'larger than a segment', topic: 'tinysegment', batch: writeBatch({
      records: [{ ...record(0), value: Buffer.alloc(1_100_000) }],
    }) },
    ...everyCodec,
  ]
}

type Step = [producerId: number, epoch: number, baseSequence: number, count: number]

/** A random sequence of idempotent producers: new batches, retries, gaps, old and new epochs. */
export function sequenceSteps(): { step: Step; batch: Buffer }[] {
  const random = seededRandom(42)
  const starts = [0, 7, 2 ** 31 - 6]
  const producers = Array.from({ length: 10 }, (_, i) => ({
    id: 1000 + i,
    epoch: i % 3,
    sequence: starts[random.int(3)]!,
    sent: [] as [number, number][],
  }))
  const steps: Step[] = []
  while (steps.length < 600) {
    const producer = producers[random.int(producers.length)]!
    const { id, sequence, sent } = producer
    const count = 1 + random.int(4)
    const what = random.int(20)
    const old = sent[sent.length - 1 - random.int(7)]
    if (what === 0) {
      producer.epoch++
      producer.sequence = 0
      producer.sent = []
      if (random.int(2) === 0) steps.push([id, producer.epoch, 5, count])
    } else if (what <= 5 && old !== undefined) {
      steps.push([id, producer.epoch, old[0], what === 5 ? old[1] + 1 : old[1]])
    } else if (what === 6) {
      steps.push([id, Math.max(0, producer.epoch - 1), sequence, count])
      if (producer.epoch === 0) producer.sequence = (sequence + count) % 2 ** 31
    } else if (what === 7 && sent.length > 0) {
      steps.push([id, producer.epoch, (sequence + 1) % 2 ** 31, count])
    } else {
      steps.push([id, producer.epoch, sequence, count])
      sent.push([sequence, count])
      producer.sequence = (sequence + count) % 2 ** 31
    }
  }
  return steps.map((step) => ({ step, batch: sequencedBatch(step) }))
}

export function sequencedBatch(step: readonly number[]): Buffer {
  const [producerId, producerEpoch, baseSequence, count] = step as Step
  const timestampMs = 1_700_000_000_000
  const records = Array.from({ length: count }, () => ({ key: null, value: null, timestampMs }))
  return writeBatch({ records, producerId, producerEpoch, baseSequence })
}
