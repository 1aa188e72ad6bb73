import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { describeQuorum } from '../../src/protocol/messages/55-describe-quorum.ts'
import { metadataTopic } from '../../src/quorum/metadata-partition.ts'
import {
  deposingSteps,
  type Facts,
  factsOf,
  quietSteps,
  type Step,
} from './controller/quorum-steps.ts'
import {
  type ControllerSide,
  startKafkaController,
  startOdradekController,
} from './controller/sides.ts'
import { until } from './kafkajs/client.ts'

/** Snapshots are written after a few records, so that there is one. */
const settings = { 'metadata.log.max.record.bytes.between.snapshots': '200' }

/** Gives names to what differs between two logs: ends, epochs, addresses, times, record bytes. */
function plain(answer: unknown, facts: Facts): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  if (Array.isArray(answer)) return answer.map((one) => plain(one, facts))
  return Object.fromEntries(
    Object.entries(answer).map(([key, value]) => [key, named(key, value, facts)]),
  )
}

const offsets = new Set(['highWatermark', 'logEndOffset', 'endOffset'])

function named(key: string, value: any, facts: Facts): unknown {
  if (offsets.has(key) && value > 0) {
    if (value === facts.snapshot.endOffset) return 'snapshot'
    return value === facts.end ? 'end' : value === 1 ? 'first' : `end${value - facts.end}`
  }
  if (/epoch$/i.test(key) && value > 0) return `epoch+${value - facts.epoch}`
  if (/directoryId$/i.test(key)) return value === facts.directoryId ? 'its directory' : value
  if (key === 'host' || key === 'port') return value === 'elsewhere' || value === 1234 ? value : key
  if (/Timestamp$/.test(key)) return value < 0 ? value : 'a time'
  if (key === 'size') return 'size'
  if (key === 'records') return value === null || value.length === 0 ? value : 'records'
  if (key === 'unalignedRecords') return value.length
  return plain(value, facts)
}

describe.skipIf(inject('javaMissing') !== null)("a controller's quorum", () => {
  let sides: ControllerSide[] = []
  beforeAll(async () => {
    sides = await Promise.all([startOdradekController(settings), startKafkaController(settings)])
  })
  afterAll(() => Promise.all(sides.map((side) => side.close())))

  async function answers({ api, body }: Step, version: number) {
    return Promise.all(
      sides.map(async (side) => {
        const facts = await factsOf(side)
        return plain(await side.ask(api, version, body(facts)), facts)
      }),
    )
  }

  const cases = (steps: readonly Step[]) =>
    steps.flatMap((step) =>
      step.versions.map((version) => [`${step.title} v${version}`, step, version] as const),
    )

  test('both have a snapshot', async () => {
    for (const side of sides) {
      await until(`${side.name} has a snapshot`, async () => {
        const { snapshot, end } = await factsOf(side)
        return snapshot.endOffset !== 7 && snapshot.endOffset <= end
      })
    }
  })

  test.each(cases(quietSteps))('%s', async (_, step, version) => {
    const [ours, theirs] = await answers(step, version)
    expect(ours).toEqual(theirs)
  })

  test.each(cases(deposingSteps))('%s', async (_, step, version) => {
    const before = await Promise.all(sides.map(factsOf))
    const [ours, theirs] = await answers(step, version)
    expect(ours).toEqual(theirs)
    for (const [i, side] of sides.entries()) {
      await until(`${side.name} leads again`, async () => {
        const topics = [{ topicName: metadataTopic, partitions: [{ partitionIndex: 0 }] }]
        const described = await side.ask(describeQuorum, 2, { topics })
        const { errorCode, leaderEpoch } = described.topics[0].partitions[0]
        return errorCode === 0 && leaderEpoch > before[i]!.epoch + 1
      })
    }
  })
})
