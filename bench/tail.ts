import type { Target } from '../test/compat/targets.ts'
import { consume, createTopic, deleteTopic, perf, produce, type Scenario, withCpu } from './load.ts'
import { sleep } from './measure.ts'
import type { Sheet } from './sheet.ts'

/** A consumer needs this long to start its JVM, to join its group and to fetch for the first time. */
const joinMs = 6_000
/** The reader is done before the writer: nobody waits for records that went by while it joined. */
const readShare = 0.8

export interface TailOptions {
  readonly seconds: number
  /** Of Kafka's EndToEndLatency: one record at a time, written and read again. */
  readonly latencyRecords: number
}

/** A reader that has read all there is, and is given what comes. */
export async function measureTail(
  sheet: Sheet,
  target: Target,
  scenario: Scenario,
  topic: string,
  o: TailOptions,
): Promise<void> {
  const { name } = target
  const { recordBytes, partitions, pacedRecordsPerSecond: recordsPerSecond } = scenario
  await createTopic(target, topic, partitions)
  const records = recordsPerSecond * o.seconds
  const wanted = { records: Math.floor(records * readShare), recordBytes }
  const { cpu } = await withCpu(target, records * recordBytes, async () => {
    const reading = consume(target, topic, wanted, ['--from-latest', '--timeout', '60000'])
    await sleep(joinMs)
    const pace = { records, recordsPerSecond, warmupRecords: 0, lingerMs: 0 }
    await Promise.all([reading, produce(target, topic, scenario, pace)])
  })
  sheet.noteCpu(name, 'written and read at the tail', cpu)
  await deleteTopic(target, topic)
  if (o.latencyRecords > 0) await measureLatency(sheet, target, `${topic}-one`, recordBytes, o)
}

async function measureLatency(
  sheet: Sheet,
  target: Target,
  topic: string,
  recordBytes: number,
  { latencyRecords }: TailOptions,
): Promise<void> {
  await createTopic(target, topic, 1)
  const said = await perf('e2e-latency', [
    ...['--bootstrap-server', target.bootstrap, '--topic', topic, '--producer-acks', '1'],
    ...['--num-records', String(latencyRecords), '--record-size', String(recordBytes)],
  ])
  const found = /50th = (\d+), 99th = (\d+), 99\.9th = (\d+)/.exec(said)
  if (found === null) throw new Error(`cannot read what the latency tool said: ${said}`)
  for (const [i, mark] of ['p50', 'p99', 'p99.9'].entries()) {
    const what = `one record, written and read, ${mark}`
    sheet.note(target.name, what, 'ms', Number(found[i + 1]))
  }
  await deleteTopic(target, topic)
}
