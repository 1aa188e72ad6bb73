import { consume, createTopic, deleteTopic, perf, produce, type Scenario, withCpu } from './load.ts'
import { sleep } from './measure.ts'
import type { Sheet } from './sheet.ts'
import type { Measured } from './target.ts'

/**
 * Time in ms that a consumer needs to start its JVM, join its group and fetch for the first time.
 */
const joinMs = 6_000
/**
 * The reader ends before the writer, so that it never waits for records written while it joined.
 */
const readShare = 0.8

export interface TailOptions {
  readonly seconds: number
  /** Records of Kafka's EndToEndLatency, which writes and reads one record at a time. */
  readonly latencyRecords: number
}

/** Measures a reader at the end of the log, which receives new records as they arrive. */
export async function measureTail(
  sheet: Sheet,
  target: Measured,
  scenario: Scenario,
  topic: string,
  o: TailOptions,
): Promise<void> {
  const { side: name } = target
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
  target: Measured,
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
    sheet.note(target.side, what, 'ms', Number(found[i + 1]))
  }
  await deleteTopic(target, topic)
}
