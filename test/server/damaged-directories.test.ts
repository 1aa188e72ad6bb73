import { describe, expect, test } from 'vitest'
import { type Files, readFiles, writeFiles } from '../../fuzz/directories/damage.ts'
import { live, wholeDirectory } from '../../fuzz/directories/target.ts'
import { systemClock } from '../../src/base/clock.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'

const ofPlain = 'plain-0/partition.metadata'
const metadata = '__cluster_metadata-0'
const metadataLog = `${metadata}/00000000000000000000.log`
type Change = (files: Map<string, Buffer>) => void

const edit =
  (path: string, change: (bytes: Buffer) => Buffer): Change =>
  (files) =>
    void files.set(path, change(Buffer.from(files.get(path)!)))
const text = (path: string, from: string | RegExp, to: string) =>
  edit(path, (bytes) => Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1'))
const put = (path: string, content: string) => edit(path, () => Buffer.from(content))
const remove =
  (pattern: RegExp): Change =>
  (files) => {
    for (const path of [...files.keys()]) if (pattern.test(path)) files.delete(path)
  }
const flip = (path: string, what: string) =>
  edit(path, (bytes) => {
    bytes[bytes.indexOf(what)]! ^= 1
    return bytes
  })
const newestSnapshot = (files: Files) =>
  [...files.keys()]
    .filter((path) => path.endsWith('.checkpoint'))
    .sort()
    .at(-1)!
const ofSnapshot =
  (change: (path: string) => Change): Change =>
  (files) =>
    change(newestSnapshot(files))(files)
const noSnapshots = remove(/\.checkpoint$/)
const all =
  (...changes: Change[]): Change =>
  (files) => {
    for (const change of changes) change(files)
  }

/** Starts on a damaged copy; `isClean` says whether the broker before was stopped normally. */
async function start(change: Change, isClean: boolean) {
  const { files, starts } = await wholeDirectory()
  const changed = new Map(files)
  change(changed)
  if (!isClean) changed.delete('.kafka_cleanshutdown')
  const disk = new MemoryDisk(systemClock.nowMs)
  await writeFiles(disk, '/data', changed)
  const life = await live(disk, starts)
  return { ...life, names: [...(await readFiles(disk, '/data')).keys()] }
}

const endings = [true, false]

/**
 * Damages with which Apache Kafka 4.4.0 does not start, neither after a normal stop nor after `kill
 * -9`. (It starts on a truncated snapshot, without the topics in the missing part.)
 */
const refused: Record<string, [Change, RegExp]> = {
  'no meta.properties': [remove(/^meta/), /meta\.properties.* missing/],
  'an empty meta.properties': [put('meta.properties', ''), /meta\.properties.* no version/],
  'another version of it': [text('meta.properties', 'version=1', 'version=7'), /version 7 is not/],
  'an older version of it': [text('meta.properties', 'version=1', 'version=0'), /no node\.id/],
  'one without a cluster': [text('meta.properties', /cluster\.id=.*\n/, ''), /no cluster\.id/],
  'one without a node': [text('meta.properties', /node\.id=.*\n/, ''), /no node\.id/],
  'one with a node in words': [
    text('meta.properties', /node\.id=.*\n/, 'node.id=x\n'),
    /no number/,
  ],
  'one with a broken id': [
    text('meta.properties', /directory\.id=.*\n/, 'directory.id=abc\n'),
    /directory\.id abc is no id/,
  ],
  'a flipped bit in the newest snapshot': [
    ofSnapshot((path) => flip(path, 'plain')),
    /\.checkpoint cannot be used: what stands at position \d+/,
  ],
  'an empty snapshot': [ofSnapshot((path) => put(path, '')), /\.checkpoint.* cut off/],
  'half a snapshot': [
    ofSnapshot((path) => edit(path, (bytes) => bytes.subarray(0, 400))),
    /\.checkpoint cannot be used/,
  ],
  'a quorum-state that is no JSON': [
    put(`${metadata}/quorum-state`, '{rubbish'),
    /quorum-state.*JSON/,
  ],
  'an empty quorum-state': [put(`${metadata}/quorum-state`, ''), /quorum-state.*JSON/],
  'another version of it than is known': [
    text(`${metadata}/quorum-state`, /data_version":\d/, 'data_version":9'),
    /quorum-state.*data_version is 9/,
  ],
  'a quorum-state without an epoch': [
    text(`${metadata}/quorum-state`, /"leaderEpoch":\d+,/, ''),
    /quorum-state.*leaderEpoch/,
  ],
  'a partition.metadata of rubbish': [put(ofPlain, 'x'), /plain-0.*names no version/],
  'an empty partition.metadata': [put(ofPlain, ''), /plain-0.*names no version/],
  'one that stands there twice': [
    edit(ofPlain, (bytes) => Buffer.concat([bytes, bytes])),
    /second line names no topic_id/,
  ],
  'one of a version below 0': [text(ofPlain, 'version: 0', 'version: -1'), /names no version/],
  'one that is no UTF-8': [text(ofPlain, 'version', 'versi\xefn'), /plain-0.*no UTF-8/],
  'one with the id in front': [
    edit(ofPlain, (bytes) => Buffer.from(String(bytes).split('\n').reverse().join('\n'))),
    /names no version/,
  ],
  'one of no topic': [text(ofPlain, /topic_id: .*/, `topic_id: ${'A'.repeat(22)}`), /no topic_id/],
  'the metadata log under the id of a topic': [
    (files) => void files.set(`${metadata}/partition.metadata`, files.get(ofPlain)!),
    /cluster_metadata-0.partition\.metadata cannot be used: it names topic/,
  ],
  'a recovery point of rubbish': [put('recovery-point-offset-checkpoint', 'x'), /recovery-point/],
}

describe('a directory that Apache Kafka refuses', () => {
  test.each(Object.entries(refused))('is refused with one line: %s', async (_, [change, why]) => {
    for (const isClean of endings) {
      const { look, lines } = await start(change, isClean)
      expect(look).toBeNull()
      expect(lines.filter((line) => why.test(line))).toHaveLength(1)
    }
  })
})

/**
 * Apache Kafka 4.4.0 refuses lengths of 14, 13, 0 and -1 if 18 bytes follow; 17 bytes are an
 * incomplete batch.
 */
const behindTheLast = (bytes: number, length: number) =>
  edit('plain-0/00000000000000000030.log', (before) => {
    const after = Buffer.alloc(bytes)
    after.writeInt32BE(length, 8)
    return Buffer.concat([before, after])
  })

describe('the last segment of a log that was left in order', () => {
  test.each([
    [100, 0],
    [18, 0],
    [100, 13],
    [100, 14],
    [100, -1],
  ])('is refused with %d bytes of a length of %d behind it', async (bytes, length) => {
    const change = behindTheLast(bytes, length)
    const { look, lines } = await start(change, true)
    expect(look).toBeNull()
    const why = `30.log cannot be used: a batch of length ${length} stands`
    expect(lines.filter((line) => line.includes(why))).toHaveLength(1)
    // After `kill -9` it starts: the last write may be incomplete.
    const killed = await start(change, false)
    expect(killed.look!.partitions.get('plain-0')!.records.size).toBe(40)
  })

  test.each([
    [17, 0],
    [100, 1000],
  ])('is cut before %d bytes of a length of %d behind it', async (bytes, length) => {
    const { look, lines } = await start(behindTheLast(bytes, length), true)
    expect(look!.partitions.get('plain-0')).toMatchObject({ error: 'NONE', end: 40 })
    expect(lines.filter((line) => /cut a segment .*30\.log/.test(line))).toHaveLength(1)
  })
})

/**
 * The number of records, or the error, that a client gets from each topic, as with Apache Kafka
 * 4.4.0.
 */
const whole = { 'plain-0': 40, 'plain-1': 40, 'packed-0': 100, 'paid-0': 28, 'keyed-0': 60 }
const gone = Object.fromEntries(
  Object.keys(whole).map((name) => [name, 'UNKNOWN_TOPIC_OR_PARTITION']),
)
const started: Record<string, [Change, Record<string, number | string>, RegExp | null]> = {
  'no metadata log, but a snapshot': [remove(/metadata-0\/0.*\.log$/), whole, null],
  'no snapshot, but the log': [noSnapshots, whole, null],
  'a damaged log below the snapshot': [
    flip(metadataLog, 'plain'),
    whole,
    /cut a segment .*set-aside/,
  ],
  'a quorum-state that is gone': [remove(/quorum-state/), whole, null],
  'a damaged log, and no snapshot': [
    all(flip(metadataLog, 'plain'), noSnapshots),
    gone,
    /a stray partition .*plain-0.*-stray/,
  ],
  'no metadata at all': [remove(/^__cluster_metadata/), gone, /the metadata log is missing/],
  'a partition of another topic': [
    text('plain-0/partition.metadata', /topic_id: .{4}/, 'topic_id: AAAA'),
    { ...whole, 'plain-0': 0 },
    /a stray partition .*plain-0\..*-stray/,
  ],
  'a partition without its id': [
    remove(/^plain-0\/partition\.metadata/),
    { ...whole, 'plain-0': 0 },
    /a stray partition .*plain-0\..*-stray/,
  ],
  'a log start offset beyond the end': [
    put('log-start-offset-checkpoint', '0\n1\nplain 0 1000\n'),
    { ...whole, 'plain-0': 0 },
    /plain-0.*starts at 1000.*set-aside/,
  ],
}

describe('a directory that Apache Kafka starts on', () => {
  test.each(Object.entries(started))('shows the same: %s', async (_, [change, expected, told]) => {
    for (const isClean of endings) {
      const { look, lines, names } = await start(change, isClean)
      const found = [...look!.partitions].map(([name, { error, records }]) => [
        name,
        error === 'NONE' ? records.size : error,
      ])
      expect(Object.fromEntries(found)).toEqual(expected)
      if (told === null) expect(lines).toEqual([])
      else expect(lines.filter((line) => told.test(line)).length).toBeGreaterThanOrEqual(1)
      // No records are deleted.
      const logs = [...(await wholeDirectory()).files.keys()].filter((path) =>
        path.endsWith('.log'),
      )
      const kept = (path: string) => {
        const [dir, file] = path.split('/') as [string, string]
        const places = names.filter((name) => name.startsWith(dir) && name.includes(`/${file}`))
        return places.length > 0
      }
      const topicsLogs = logs.filter((path) => !path.startsWith('__cluster'))
      expect(topicsLogs.filter((path) => !kept(path))).toEqual([])
    }
  })
})
