import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools, type Tool } from './kafka/tools.ts'
import { startBroker, type Target, targetName } from './targets.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const batches = 40
const records = 50

/** Complaints of kafka-dump-log. */
const complaint = /mismatch|Exception|Invalid|Non-consecutive|Found|Can't|corrupt|isvalid: false/i

/** Apache Kafka's DumpLogSegments reads every file that the broker writes. */
describe.skipIf(inject('javaMissing') !== null)(
  `kafka-dump-log on the files of ${targetName}`,
  () => {
    let broker: Target
    beforeAll(async () => {
      broker = await startBroker({
        settings: { 'group.initial.rebalance.delay.ms': 0, 'log.segment.bytes': 1024 * 1024 },
      })
      const at = ['--bootstrap-server', broker.bootstrap]
      for (const codec of codecs) {
        await ask('topics', [...at, '--create', '--topic', `dump-${codec}`])
        const amount = [String(batches), String(records)]
        await ask('fixed-batches', [broker.bootstrap, `dump-${codec}`, codec, ...amount])
      }
      const rolling = ['--topic', 'rolling', '--num-records', '4000', '--record-size', '1000']
      await ask('producer-perf', [...at, ...rolling, '--throughput', '-1'])
      await ask('round-trip', [broker.bootstrap, 'dump-group', 'dumped', '100'])
      await broker.stop()
    })
    afterAll(() => broker?.close())

    const ask = async (tool: Tool, args: string[]) => (await javaTools()).ask(tool, args)
    const dump = async (file: string, ...args: string[]) => {
      const tools = await javaTools()
      const { code, stdout, stderr } = await tools.call('dump-log', ['--files', file, ...args])
      // For a segment that does not begin at 0 the tool prints that its first offset follows -1.
      const known = /^Non-consecutive offsets in .*\n +-1 is followed by \d+\n/m
      expect(stderr.replace(known, '').trim()).toBe('')
      expect(code).toBe(0)
      expect(stdout).not.toMatch(complaint)
      return stdout
    }
    const filesOf = (partition: string, ending: string) =>
      readdirSync(join(broker.dataDir, partition))
        .filter((name) => name.endsWith(ending))
        .toSorted()
        .map((name) => join(broker.dataDir, partition, name))

    test.each(codecs)('--deep-iteration of %s batches', async (codec) => {
      const [file] = filesOf(`dump-${codec}-0`, '.log')
      const said = await dump(file!, '--deep-iteration', '--print-data-log')
      const headers = said.match(/^baseOffset: .* isvalid: true$/gm) ?? []
      expect(headers).toHaveLength(batches)
      expect(headers[1]).toMatch(/^baseOffset: 50 lastOffset: 99 count: 50 baseSequence: -1 /)
      expect(headers[0]).toContain(`compresscodec: ${codec}`)
      const offsets = [...said.matchAll(/^\| offset: (\d+) /gm)].map((match) => Number(match[1]))
      expect(offsets).toEqual(Array.from({ length: batches * records }, (_, i) => i))
      expect(said).toContain('key: key-1999 payload: value 1999')
    })

    test('every segment and index of a log that rolled', async () => {
      const logs = filesOf('rolling-0', '.log')
      expect(logs.length).toBeGreaterThan(3)
      for (const log of logs) {
        await dump(log, '--deep-iteration', '--verify-index-only')
        for (const ending of ['index', 'timeindex']) {
          const index = log.replace(/log$/, ending)
          await dump(index)
          await dump(index, '--index-sanity-check')
        }
      }
      const entries = await dump(logs[0]!.replace(/log$/, 'index'))
      expect(entries.match(/^offset: \d+ position: \d+$/gm)?.length).toBeGreaterThan(10)
      for (const snapshot of filesOf('rolling-0', '.snapshot')) {
        expect(await dump(snapshot)).toMatch(/producerId: \d+ producerEpoch: 0 /)
      }
      expect(filesOf('rolling-0', '.snapshot').length).toBeGreaterThan(0)
    })

    test('--offsets-decoder shows the commits and the group', async () => {
      const partitions = readdirSync(broker.dataDir).filter((name) =>
        /^__consumer_offsets-/.test(name),
      )
      expect(partitions).toHaveLength(50)
      let said = ''
      for (const partition of partitions) {
        for (const log of filesOf(partition, '.log')) {
          if (statSync(log).size > 0)
            said += await dump(log, '--offsets-decoder', '--deep-iteration')
        }
      }
      expect(said).toMatch(/"group":"dumped","topic":"dump-group","partition":0/)
      expect(said).toMatch(/"offset":100,.*"metadata":"round trip"/)
      expect(said).toMatch(/"protocolType":"consumer"/)
    })

    test('--cluster-metadata-decoder shows the topics', async () => {
      let said = ''
      for (const log of filesOf('__cluster_metadata-0', '.log')) {
        said += await dump(log, '--cluster-metadata-decoder', '--deep-iteration')
      }
      for (const codec of codecs) {
        expect(said).toContain(`"type":"TOPIC_RECORD","version":0,"data":{"name":"dump-${codec}"`)
      }
      expect(said).toContain('"type":"PARTITION_RECORD"')
    })
  },
)
