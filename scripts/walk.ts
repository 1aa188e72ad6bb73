import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { produce } from '../src/protocol/messages/00-produce.ts'
import { fetch } from '../src/protocol/messages/01-fetch.ts'
import { offsetCommit } from '../src/protocol/messages/08-offset-commit.ts'
import { findCoordinator } from '../src/protocol/messages/10-find-coordinator.ts'
import { joinGroup } from '../src/protocol/messages/11-join-group.ts'
import { createTopics } from '../src/protocol/messages/19-create-topics.ts'
import { writeBatch } from '../src/protocol/records/record.ts'
import type { Api, Draft, Fields } from '../src/protocol/schema.ts'
import { Broker } from '../src/server/broker.ts'
import { RawClient } from '../test/server/raw-client.ts'

/**
 * Counts the files and functions that one request touches in a warm broker: `npm run walk`, with
 * `-- --files` also their names. Lists only what runs in this process's JavaScript: no generated
 * codec, no native code.
 */
interface Walk {
  readonly name: string
  /** Functions called, by file. */
  readonly files: ReadonlyMap<string, number>
  readonly calls: number
}

const showsFiles = process.argv.includes('--files')
const settleMs = 20
/** Before counting, so that what happens once is done. */
const warmRounds = 3
/** The shortest walk counts: others may meet what the broker does now and then by itself. */
const countedRounds = 5

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
const bundle = readFileSync(fileURLToPath(import.meta.url), 'utf8')
/** The bundle's files: esbuild puts a comment with its path before each. */
const places = [...bundle.matchAll(/^\/\/ (\S+\.ts)$/gm)].map((one) => ({
  at: one.index,
  path: one[1]!,
}))

const fileAt = (offset: number) => places.findLast(({ at }) => at <= offset)?.path ?? ''

/** Runs `act` and returns the functions of src/ that it has called, counted by file. */
async function walk(name: string, act: () => Promise<unknown>): Promise<Walk> {
  await sleep(settleMs)
  await session.post('Profiler.takePreciseCoverage')
  await act()
  await sleep(settleMs)
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const files = new Map<string, number>()
  let calls = 0
  for (const { functions } of result.filter(({ url }) => url === import.meta.url)) {
    for (const { functionName, ranges } of functions) {
      const [{ startOffset, count }] = ranges as [(typeof ranges)[number]]
      const path = fileAt(startOffset)
      if (count === 0 || functionName === '' || !path.startsWith('src/')) continue
      files.set(path, (files.get(path) ?? 0) + 1)
      calls += count
    }
  }
  return { name, files, calls }
}

function print({ name, files, calls }: Walk): void {
  const isDeep = (path: string) => /^src\/(base|protocol)\//.test(path)
  const above = [...files.keys()].filter((path) => !isDeep(path))
  const functions = [...files.values()].reduce((sum, count) => sum + count, 0)
  console.log(
    `${name}: ${above.length} files and ${files.size - above.length} of base/ and protocol/, ` +
      `${functions} functions, ${calls} calls`,
  )
  if (!showsFiles) return
  for (const [path, count] of [...files].sort()) console.log(`  ${path} ${count}`)
}

/** Sends a request whose bytes are ready, and waits for the answer without reading it. */
function exchange<Q extends Fields>(api: Api<Q, any>, version: number, body: Draft<Q>) {
  const { bytes } = client.frameOf(api, version, body)
  return () =>
    new Promise<void>((resolve) => {
      quiet.once('data', () => resolve())
      quiet.write(bytes)
    })
}

async function warm<Q extends Fields>(
  name: string,
  api: Api<Q, any>,
  version: number,
  bodyOf: (round: number) => Draft<Q>,
) {
  for (let round = 0; round < warmRounds; round++) await exchange(api, version, bodyOf(round))()
  const walks: Walk[] = []
  for (let round = warmRounds; round < warmRounds + countedRounds; round++) {
    walks.push(await walk(name, exchange(api, version, bodyOf(round))))
  }
  print(walks.reduce((least, one) => (one.calls < least.calls ? one : least)))
}

const parent = mkdtempSync(join(tmpdir(), 'walk-'))
const dataDir = join(parent, 'data')
const broker = await Broker.start({ port: 0, dataDir })
const client = await RawClient.open(broker.port)
/** Its answers are not read: the client's own walk would be counted, too. */
const quiet = (await RawClient.open(broker.port)).socket.removeAllListeners('data').resume()

const draft = (name: string) => ({
  topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
})
const made = await client.request(createTopics, 7, draft('walked'))
const { topicId } = made.topics[0]!
await client.request(findCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })
// The partitions of __consumer_offsets open and load.
await sleep(2000)
const records = () =>
  writeBatch({ records: [{ key: null, value: Buffer.alloc(100), timestampMs: Date.now() }] })

await warm('Produce', produce, 13, () => ({
  acks: 1,
  timeoutMs: 1000,
  topicData: [{ topicId, partitionData: [{ index: 0, records: records() }] }],
}))
await warm('Fetch', fetch, 17, () => ({
  maxWaitMs: 500,
  minBytes: 1,
  topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1 << 20 }] }],
  forgottenTopicsData: [],
}))
await warm('OffsetCommit', offsetCommit, 9, (committedOffset) => ({
  groupId: 'g',
  memberId: '',
  topics: [
    {
      name: 'walked',
      partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }],
    },
  ],
}))
await warm('JoinGroup', joinGroup, 9, (round) => ({
  groupId: `joined-${round}`,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId: '',
  groupInstanceId: `instance-${round}`,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
}))
await warm('CreateTopics', createTopics, 7, (round) => draft(`created-${round}`))

const crashed = join(parent, 'crashed')
cpSync(dataDir, crashed, { recursive: true })
rmSync(join(crashed, '.lock'), { force: true })
let opened: Broker | undefined
const open = async () => {
  opened = await Broker.start({ port: 0, dataDir: crashed })
}
print(await walk('crash → open', open))
await opened?.stop()
quiet.destroy()
client.close()
await broker.stop()
rmSync(parent, { recursive: true, force: true })
session.disconnect()
