import { errorName } from '../../src/protocol/errors.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { Batch, batchesIn } from '../../src/protocol/records/batch.ts'
import { readRecords } from '../../src/protocol/records/record.ts'
import { RawClient } from '../../test/server/raw-client.ts'
import { groups, topics } from './base.ts'

/** The data that a client reads from one partition. */
export interface Found {
  readonly error: string
  readonly start: number
  readonly end: number
  /** Values by offset, of batches with a valid checksum. */
  readonly records: ReadonlyMap<number, string>
  /** Why reading from each of the start offsets ended: an error, or a damaged batch. */
  readonly ends: readonly string[]
}

export interface Look {
  readonly partitions: ReadonlyMap<string, Found>
  /** Committed offsets by group. */
  readonly groups: ReadonlyMap<string, string>
}

const fetchesMax = 60

/** Reads all data as a client would, in each partition from all of `starts` on. */
export async function lookAt(
  port: number,
  starts: ReadonlyMap<string, readonly number[]>,
): Promise<Look> {
  const client = await RawClient.open(port)
  try {
    const partitions = new Map<string, Found>()
    for (const [topic, count] of Object.entries(topics)) {
      for (let index = 0; index < count; index++) {
        const name = `${topic}-${index}`
        partitions.set(name, await lookAtOne(client, topic, index, starts.get(name) ?? [0]))
      }
    }
    const committed = new Map<string, string>()
    for (const groupId of groups) {
      const body = { groupId, topics: [{ name: 'plain', partitionIndexes: [0] }] }
      const { errorCode, topics: answers } = await client.request(offsetFetch, 7, body)
      const offset = answers[0]?.partitions[0]?.committedOffset
      committed.set(groupId, errorCode === 0 ? String(offset) : errorName(errorCode))
    }
    return { partitions, groups: committed }
  } finally {
    client.close()
  }
}

async function lookAtOne(
  client: RawClient,
  topic: string,
  index: number,
  starts: readonly number[],
): Promise<Found> {
  const at = async (timestamp: number) => {
    const partitions = [{ partitionIndex: index, timestamp }]
    const body = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] }
    const answer = await client.request(listOffsets, 7, body)
    return answer.topics[0]!.partitions[0]!
  }
  const [first, last] = [await at(-2), await at(-1)]
  // Any result is valid, but the search must end.
  for (const timestamp of [-3, 1_790_000_003_500]) await at(timestamp)
  const records = new Map<number, string>()
  const ends: string[] = []
  const { errorCode, offset: start } = first
  const end = last.offset
  if (errorCode === 0) {
    const from = [...new Set([start, ...starts])].sort((a, b) => a - b)
    for (const [i, offset] of from.entries()) {
      if (offset < start || offset >= end) continue
      const to = Math.min(end, from[i + 1] ?? end)
      ends.push(await read(client, { topic, index, offset, to }, records))
    }
  }
  return { error: errorName(errorCode), start, end, records, ends }
}

async function read(
  client: RawClient,
  o: { topic: string; index: number; offset: number; to: number },
  records: Map<number, string>,
): Promise<string> {
  const { topic, index: partition, to } = o
  let { offset: fetchOffset } = o
  for (let n = 0; fetchOffset < to; n++) {
    if (n === fetchesMax) return `still reading at ${fetchOffset}`
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }]
    const body = { maxWaitMs: 0, minBytes: 0, topics: [{ topic, partitions }] }
    const { responses } = await client.request(fetch, 12, body)
    const answer = responses[0]!.partitions[0]!
    if (answer.errorCode !== 0) return `${errorName(answer.errorCode)} at ${fetchOffset}`
    const bytes = Buffer.concat([answer.records as Buffer])
    const before = fetchOffset
    for (const batch of batchesIn(bytes)) {
      if (!isWhole(batch)) return `damage at ${fetchOffset}`
      for (const record of batch.isControl ? [] : await readRecords(new Batch(batch.slice))) {
        if (record.offset >= fetchOffset) records.set(record.offset, String(record.value))
      }
      fetchOffset = Math.max(fetchOffset, batch.nextOffset)
    }
    if (fetchOffset === before) return `nothing at ${fetchOffset}`
  }
  return 'end'
}

const isWhole = (batch: Batch) => batch.magic === 2 && batch.isIntact()
