import { metadata } from '../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../src/protocol/messages/19-create-topics.ts'
import { createPartitions } from '../src/protocol/messages/37-create-partitions.ts'
import { Line } from '../test/compat/wire/peer.ts'
import { untilEnds } from './ends.ts'
import { cpuSecondsInAll, residentMb, sleep } from './measure.ts'
import { median, type Table } from './report.ts'
import { Sheet } from './sheet.ts'
import { inTurn, Measured, type Side } from './target.ts'

/** A layout of the same number of partitions: topics of one partition each, or one topic. */
interface Form {
  readonly title: string
  readonly topics: readonly string[]
  readonly partitions: number
  /** Topics per CreateTopics request. */
  readonly atATime: number
}

const patienceMs = 600_000
/** Time in ms without load, after all topics are created, before memory is read. */
const idleMs = 5_000
const metadataAsked = 30
const oneTopicAsked = 300

function formsOf(count: number): Form[] {
  const names = Array.from({ length: count }, (_, i) => `topic-${String(i).padStart(5, '0')}`)
  const many = `${count.toLocaleString('en')}`
  return [
    { title: `${many} topics of 1 partition`, topics: names, partitions: 1, atATime: 100 },
    { title: `one topic of ${many} partitions`, topics: ['wide'], partitions: count, atATime: 1 },
  ]
}

/**
 * Measures many partitions: time to create them, memory and CPU, and time until a restart has them
 * back.
 */
export async function measureTopics(
  o: { readonly count: number; readonly rounds: number },
  names: readonly Side[],
  say: (line: string) => void,
): Promise<Table[]> {
  const tables: Table[] = []
  for (const form of formsOf(o.count)) {
    const sheet = new Sheet()
    for (let round = 0; round < o.rounds; round++) {
      for (const name of inTurn(names, round)) {
        say(`${form.title} ${round + 1}/${o.rounds}: ${name}`)
        const target = new Measured(name, { timeoutMs: patienceMs })
        try {
          await target.start()
          await measureForm(sheet, target, form)
        } finally {
          await target.close()
        }
      }
    }
    tables.push(sheet.table(form.title))
  }
  return tables
}

async function measureForm(sheet: Sheet, target: Measured, form: Form): Promise<void> {
  const { side: name } = target
  const count = form.topics.length * form.partitions
  const emptyMb = residentMb(target.pid).nowMb
  const before = cpuSecondsInAll(target.pid)
  const startMs = performance.now()
  await create(target, form)
  const created = performance.now() - startMs
  await untilAllLed(target, form)
  const led = performance.now() - startMs
  const cpu = cpuSecondsInAll(target.pid) - before
  sheet.note(name, 'created, by the answers', '1/s', count / (created / 1000))
  sheet.note(name, 'created, until all can be written to', '1/s', count / (led / 1000))
  sheet.note(name, 'broker CPU for one', 'ms', (cpu * 1000) / count)
  await noteMetadata(sheet, target, form)
  await sleep(idleMs)
  const nowMb = residentMb(target.pid).nowMb
  sheet.note(name, 'resident memory', 'MB', nowMb)
  sheet.note(name, 'of it more than without them, each', 'KB', ((nowMb - emptyMb) * 1e3) / count)
  await noteStart(sheet, target, form, 'clean stop', () => target.stop())
  await noteStart(sheet, target, form, 'kill -9', () => target.kill9())
}

async function create(target: Measured, { topics, partitions, atATime }: Form): Promise<void> {
  const line = new Line(target.port, patienceMs)
  // Ten thousand partitions and their topic exceed the records that Kafka's controller accepts per
  // request.
  const first = Math.ceil(partitions / 2)
  for (let i = 0; i < topics.length; i += atATime) {
    const asked = topics.slice(i, i + atATime).map((topic) => ({
      ...{ name: topic, numPartitions: first, replicationFactor: 1 },
      ...{ assignments: [], configs: [] },
    }))
    const body = { topics: asked, timeoutMs: patienceMs, validateOnly: false }
    const answer = await line.ask(createTopics, 7, body)
    mustBeDone(answer, answer.topics)
    if (first === partitions) continue
    const grown = asked.map(({ name }) => ({ name, count: partitions, assignments: null }))
    const growth = { topics: grown, timeoutMs: patienceMs, validateOnly: false }
    const told = await line.ask(createPartitions, 3, growth)
    mustBeDone(told, told.results)
  }
  line.close()
}

function mustBeDone(answer: unknown, results: readonly { errorCode: number }[] | undefined): void {
  const failed = results?.find(({ errorCode }) => errorCode !== 0)
  if (failed !== undefined || typeof answer === 'string') {
    throw new Error(`not created: ${JSON.stringify(failed ?? answer)}`)
  }
}

/** Waits until ListOffsets succeeds for every partition, which requires a leader. */
async function untilAllLed(target: Measured, { topics, partitions }: Form): Promise<void> {
  await untilEnds(target, {
    ...{ topics, partitions, patienceMs, pauseMs: 20 },
    areGood: (ends) => ends.every(({ errorCode }) => errorCode === 0),
    what: 'not all partitions have a leader',
  })
}

async function noteMetadata(sheet: Sheet, target: Measured, { topics }: Form): Promise<void> {
  const line = new Line(target.port, patienceMs)
  const ask = async (asked: readonly { readonly name: string }[] | null, times: number) => {
    const took: number[] = []
    for (let i = 0; i < times; i++) {
      const startMs = performance.now()
      const answer = await line.ask(metadata, 12, { topics: asked, allowAutoTopicCreation: false })
      took.push(performance.now() - startMs)
      const expected = asked?.length ?? topics.length
      if (!(answer.topics?.length >= expected))
        throw new Error(`not all are in Metadata: ${answer}`)
    }
    return median(took)
  }
  await ask(null, metadataAsked) // warms both sides up
  sheet.note(target.side, 'Metadata of all, median', 'ms', await ask(null, metadataAsked))
  const one = [{ name: topics[topics.length >> 1]! }]
  sheet.note(target.side, 'Metadata of one topic, median', 'ms', await ask(one, oneTopicAsked))
  line.close()
}

async function noteStart(
  sheet: Sheet,
  target: Measured,
  form: Form,
  after: string,
  end: () => Promise<unknown>,
): Promise<void> {
  const { side: name } = target
  const endingAtMs = performance.now()
  await end()
  if (after !== 'kill -9') {
    sheet.note(name, 'clean stop', 's', (performance.now() - endingAtMs) / 1000)
  }
  const starting = target.start()
  await Promise.all([starting, untilAllLed(target, form)])
  const seconds = (performance.now() - target.startedAtMs) / 1000
  sheet.note(name, `start after ${after}, until all can be written to`, 's', seconds)
}
