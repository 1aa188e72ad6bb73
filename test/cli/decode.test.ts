import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DecodeArguments } from '../../src/cli/arguments.ts'
import { type Segment, segmentsOf } from '../../src/cli/decode/capture.ts'
import { runDecode } from '../../src/cli/decode/decode.ts'
import { framesOf } from '../../src/cli/decode/session.ts'
import { chunksOf } from '../../src/cli/decode/streams.ts'
import { asPcapng } from './as-pcapng.ts'

const golden = join(import.meta.dirname, '..', 'golden')
const capture = (name: string) => join(golden, 'captures', name)

async function decoded(args: Partial<DecodeArguments>): Promise<string> {
  let text = ''
  await runDecode({ file: null, json: false, response: null, ...args }, (more) => {
    text += more
  })
  return text
}

async function decodedJson(args: Partial<DecodeArguments>): Promise<any[]> {
  const text = await decoded({ ...args, json: true })
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function decodedFile(content: string | Buffer, args: Partial<DecodeArguments> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'odradek-decode-'))
  try {
    const file = join(folder, 'frames')
    writeFileSync(file, content)
    return await decodedJson({ ...args, file })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const valuesOf = (batches: any[]) =>
  batches.flatMap(({ records }) => records.map(({ value }: any) => value))

describe('a captured session', () => {
  test('of kafkajs: every request with its response', async () => {
    const frames = await decodedJson({ file: capture('kafkajs.pcap') })
    const names = frames.map(({ kind, api, version }) => `${api} v${version} ${kind}`)
    expect(names.filter((name) => name.endsWith('request'))).toEqual(
      names
        .filter((name) => name.endsWith('response'))
        .map((n) => n.replace('response', 'request')),
    )
    expect(frames.every(({ problem }) => problem === undefined)).toBe(true)
    expect(new Set(frames.map(({ api }) => api))).toEqual(
      new Set([
        ...['ApiVersions', 'Metadata', 'CreateTopics', 'Produce', 'FindCoordinator', 'JoinGroup'],
        ...['SyncGroup', 'OffsetFetch', 'ListOffsets', 'Fetch', 'OffsetCommit', 'LeaveGroup'],
      ]),
    )
    const joined = frames.find(({ api, kind }) => api === 'JoinGroup' && kind === 'request')
    expect(joined.body.protocols[0].metadata).toMatchObject({ topics: ['orders'] })
    const produced = frames.filter(({ api, kind }) => api === 'Produce' && kind === 'request')
    const batches = produced.map(({ body }) => body.topicData[0].partitionData[0].records)
    expect(batches.map(valuesOf)).toEqual([['first', 'second'], ['zipped']])
    expect(batches[0][0].records[0]).toMatchObject({
      key: 'k1',
      headers: [{ key: 'h', value: 'x' }],
    })
    expect(batches[1][0].compresscodec).toBe('gzip')
  })

  test('of the Java client: its newest versions, topics by their ids', async () => {
    const frames = await decodedJson({ file: capture('java.pcap') })
    expect(frames.every(({ problem }) => problem === undefined)).toBe(true)
    const versions = frames.map(({ api, version }) => `${api} v${version}`)
    expect(versions).toEqual(expect.arrayContaining(['Produce v13', 'Fetch v18', 'JoinGroup v9']))
    const told = frames.find(({ api, kind }) => api === 'Fetch' && kind === 'response')
    const { records } = told.body.responses[0].partitions[0]
    expect(valuesOf(records)).toEqual(['first', 'second', 'zipped', 'a', 'b'])
  })

  test('as text: a line a frame, then its fields', async () => {
    const text = await decoded({ file: capture('kafkajs.pcap') })
    expect(text).toMatch(
      /127\.0\.0\.1:\d+ > 127\.0\.0\.1:9397 JoinGroup v5 request #3 client "shop"\n {2}groupId: "billing"\n/,
    )
    expect(text).toContain('errorCode: 79\n  error: "MEMBER_ID_REQUIRED"')
  })
})

describe('what the network does to a session', () => {
  const segments = segmentsOf(readFileSync(capture('kafkajs.pcap')))
  const read = (of: readonly Segment[]) =>
    framesOf(chunksOf(of)).map(({ bytes, problem }) => [bytes.toString('hex'), problem])

  test('segments twice, late, split, and sequence numbers that wrap', () => {
    const wanted = read(segments).toSorted()
    const halves = segments.flatMap((one) => {
      const half = one.payload.length >> 1
      const rest = { ...one, sequence: one.sequence + half, payload: one.payload.subarray(half) }
      return one.isSyn ? [one] : [{ ...one, payload: one.payload.subarray(0, half) }, rest]
    })
    expect(read(halves).toSorted()).toEqual(wanted)
    expect(read(segments.flatMap((one) => [one, one])).toSorted()).toEqual(wanted)
    const swapped = halves.map((_, i) => halves[i ^ 1] ?? halves[i]!)
    const syns = swapped.filter(({ isSyn }) => isSyn)
    expect(read([...syns, ...swapped.filter(({ isSyn }) => !isSyn)]).toSorted()).toEqual(wanted)
    const first = new Map<string, number>()
    const wrapped = segments.map((one) => {
      const from = `${one.from} ${one.to}`
      if (!first.has(from)) first.set(from, one.sequence)
      return { ...one, sequence: (one.sequence - first.get(from)! + 0xffffffff - 20) >>> 0 }
    })
    expect(read(wrapped).toSorted()).toEqual(wanted)
  })

  test('a segment that the capture lost is told', () => {
    const lost = segments.findIndex(({ payload }) => payload.length > 40)
    const problems = read(segments.toSpliced(lost, 1)).map(([, problem]) => problem)
    expect(problems.some((one) => /^the capture lost \d+ bytes/.test(one ?? ''))).toBe(true)
  })

  test('pcapng holds the same', () => {
    const file = asPcapng(readFileSync(capture('kafkajs.pcap')))
    expect(segmentsOf(file)).toEqual(segments)
  })
})

describe('frames on their own', () => {
  test('as hex, with their length or without', async () => {
    const heartbeat = '000c0000000000050002c3a900016700000003 00016d'
    const frames = await decodedFile(`${heartbeat}\n0000 0016 ${heartbeat}\n`)
    for (const frame of frames) {
      expect(frame).toMatchObject({
        kind: 'request',
        api: 'Heartbeat',
        version: 0,
        correlationId: 5,
        clientId: 'é',
        body: { groupId: 'g', generationId: 3, memberId: 'm' },
      })
    }
    expect(frames).toHaveLength(2)
  })

  test('as bytes, responses of a version', async () => {
    const bytes = Buffer.from('0000000600000007001b', 'hex')
    const args = { response: 'heartbeat:0' }
    expect(await decodedFile(bytes, args)).toMatchObject([
      { correlationId: 7, body: { errorCode: 27, error: 'REBALANCE_IN_PROGRESS' } },
    ])
  })

  test('that are none, with the reason', async () => {
    const [frame] = await decodedFile('7fff0000000000000000')
    expect(frame).toMatchObject({ kind: 'unknown', hex: '7fff0000000000000000' })
    await expect(decodedFile('00', { response: 'Nothing:1' })).rejects.toThrow('no request')
    await expect(decodedFile('00', { response: 'Fetch:99' })).rejects.toThrow('from 4 to 18')
  })
})

test('records of internal logs are read by their schemas', async () => {
  const log = (name: string) => join(golden, 'data-dir', name, '00000000000000000000.log')
  const metadata = await decodedJson({ file: log('__cluster_metadata-0') })
  const types = new Set(valuesOf(metadata).map((value: any) => value?.type))
  expect([...types]).toEqual(
    expect.arrayContaining(['TopicRecord', 'PartitionRecord', 'RegisterBrokerRecord']),
  )
  const [batch] = await decodedJson({ file: log('__consumer_offsets-14') })
  expect(batch.records[0]).toMatchObject({
    key: { type: 'OffsetCommitKey', data: { group: 'g-txn', topic: 't', partition: 0 } },
    value: { type: 'OffsetCommitValue', version: 4, data: { offset: 5, metadata: 'in-txn' } },
  })
})
