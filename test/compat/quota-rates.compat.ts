import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import { isLongForm } from './long-form.ts'
import { QuotaSide } from './security/quota-side.ts'

/** Limits in MB/s; `ODRADEK_QUOTA_RATES=1,5,20` measures more of them than the suite has time for. */
const limits = (process.env.ODRADEK_QUOTA_RATES ?? '1').split(',').map(Number)
/** The suite takes 40 s, and is noisy: not by default. */
const isAsked = isLongForm || process.env.ODRADEK_QUOTA_RATES !== undefined
/** How much is sent and read, in seconds at the limit; the first ten seconds' worth are free. */
const seconds = Number(process.env.ODRADEK_QUOTA_SECONDS ?? 16)
/** How far the rates may be apart on a machine that does other things, too. */
const apartMax = Number(process.env.ODRADEK_QUOTA_APART ?? 0.3)

const recordBytes = 1_000

interface Run {
  readonly mbPerSecond: number
  readonly throttleMs: number
}

describe.skipIf(inject('javaMissing') !== null || !isAsked)(
  "rates of Kafka's tools under a quota",
  () => {
    let sides: readonly QuotaSide[]
    beforeAll(async () => {
      const settings = { 'group.initial.rebalance.delay.ms': 0 }
      const start = (name: 'odradek' | 'kafka') => QuotaSide.start(name, settings)
      sides = await Promise.all([start('odradek'), start('kafka')])
    })
    afterAll(() => Promise.all((sides ?? []).map((side) => side.close())))

    /** Runs a tool against both brokers at the same time. */
    async function measure(tool: Tool, limit: number, args: readonly string[], metric: string) {
      const id = `${tool}-${limit}`
      const key = tool === 'producer-perf' ? 'producer_byte_rate' : 'consumer_byte_rate'
      const tools = await javaTools()
      const runs = await Promise.all(
        sides.map(async (side): Promise<Run> => {
          await side.set([{ entity: { 'client-id': id }, key, value: limit * 1e6 }])
          const all = ['--bootstrap-server', side.target.bootstrap, '--topic', `t${limit}`, ...args]
          const client = ['--command-property', `client.id=${id}`, '--print-metrics']
          const told = await tools.ask(tool, [...all, ...client], { timeoutMs: 100_000 })
          const throttle = new RegExp(`${metric}:\\{client-id=[^}]*\\} *: *([\\d.]+)`).exec(told)
          return { mbPerSecond: rateIn(tool, told), throttleMs: Number(throttle?.[1]) }
        }),
      )
      const shown = runs.map((run) => `${run.mbPerSecond.toFixed(2)} MB/s, ${run.throttleMs} ms`)
      process.stderr.write(`  ${tool} at ${limit} MB/s: ${shown[0]}; Apache Kafka ${shown[1]}\n`)
      return runs as [Run, Run]
    }

    test.each(limits)(
      'at %i MB/s both brokers let as much pass',
      async (limit) => {
        const records = String((limit * seconds * 1e6) / recordBytes)
        const topics = [
          {
            ...{ name: `t${limit}`, numPartitions: 1, replicationFactor: 1 },
            assignments: [],
            configs: [],
          },
        ]
        for (const { admin } of sides) {
          await admin.ask(createTopics, 5, { topics, timeoutMs: 30_000, validateOnly: false })
        }
        const load = ['--num-records', records, '--record-size', String(recordBytes)]
        const sent = await measure(
          'producer-perf',
          limit,
          [...load, '--throughput', '-1'],
          'producer-metrics:produce-throttle-time-avg',
        )
        const wanted = ['--num-records', records, '--timeout', '60000']
        const read = await measure(
          'consumer-perf',
          limit,
          wanted,
          'consumer-fetch-manager-metrics:fetch-throttle-time-avg',
        )
        for (const [ours, theirs] of [sent, read]) {
          expect(Math.abs(ours.mbPerSecond / theirs.mbPerSecond - 1)).toBeLessThan(apartMax)
          // Without a quota it would be a hundred.
          expect(ours.mbPerSecond).toBeLessThan(limit * 4)
          expect(theirs.throttleMs).toBeGreaterThan(0)
          expect(ours.throttleMs).toBeGreaterThan(theirs.throttleMs / 10)
          expect(ours.throttleMs).toBeLessThan(theirs.throttleMs * 10)
        }
      },
      200_000,
    )
  },
)

function rateIn(tool: Tool, told: string): number {
  if (tool === 'producer-perf') {
    return Number(/records sent, [\d.]+ records\/sec \(([\d.]+) MB\/sec\).*99\.9th/.exec(told)?.[1])
  }
  const lines = told.split('\n')
  const at = lines.findIndex((line) => line.startsWith('start.time'))
  const names = lines[at]!.split(', ')
  return Number(lines[at + 1]!.split(', ')[names.indexOf('MB.sec')])
}
