import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { errorCode, errorName } from '../../src/protocol/errors.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.ts'
import { createPartitions } from '../../src/protocol/messages/37-create-partitions.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.ts'
import { describeQuorum } from '../../src/protocol/messages/55-describe-quorum.ts'
import { metadataTopic } from '../../src/quorum/metadata-partition.ts'
import { freePort } from './free-port.ts'
import { KafkaQuorum } from './kafka/quorum.ts'
import { isLongForm } from './long-form.ts'
import { joining, OdradekNode } from './mixed/odradek-node.ts'
import { refusedRequests } from './mixed/refused-requests.ts'
import { Seen } from './mixed/seen.ts'
import { soon } from './targets.ts'
import { versionsOf } from './wire/compare.ts'
import { Line } from './wire/peer.ts'
import { topicDraft } from './wire/topics.ts'

const apacheId = 1
const odradekId = 7
const controllerIds = [3000, 3001, 3002]
/** Sequences that run before a controller is lost, and after it. */
const before = isLongForm ? 10 : 3
const after = isLongForm ? 10 : 4
/** A request that a controller leaves unanswered goes to the next one after this time. */
const socketTimeoutMs = 3_000
const answerMsMax = 60_000

/** The outcome of each step of a sequence, and the time of the slowest. */
interface Told {
  readonly outcomes: string[]
  slowestMs: number
}

/** The error of a step whose request is sent again after it was carried out. */
const alreadyDone = [
  ...['TOPIC_ALREADY_EXISTS', null, 'INVALID_PARTITIONS', null],
  ...['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_ALREADY_EXISTS'],
]

/** Requests of administrators at each of the two brokers while the controllers change. */
describe.skipIf(inject('javaMissing') !== null)('a mixed cluster that loses its controller', () => {
  let quorum: KafkaQuorum
  let node: OdradekNode
  const ports = new Map<number, number>()

  beforeAll(async () => {
    const settings = { 'controller.socket.timeout.ms': socketTimeoutMs }
    quorum = await KafkaQuorum.start({
      controllers: controllerIds.length,
      voters: 'in the log',
      settings,
    })
    ports.set(apacheId, (await quorum.startBroker(apacheId)).port)
    const port = await freePort()
    ports.set(odradekId, port)
    node = new OdradekNode(joining(quorum, odradekId, port, settings))
    await node.start()
    for (const id of ports.keys()) await new Seen(port).unfenced(id)
  }, 240_000)
  afterAll(async () => {
    await node?.close()
    await quorum?.close()
  })

  /** Creates, changes and deletes a topic. */
  async function sequence(line: Line, name: string, told: Told): Promise<void> {
    const timeoutMs = 30_000
    const grow = (count: number) => ({ topics: [{ name, count, assignments: null }], timeoutMs })
    const configs = [{ name: 'retention.ms', configOperation: 0, value: '1000' }]
    const resources = [{ resourceType: 2, resourceName: name, configs }]
    const steps = [
      () => line.ask(createTopics, 7, { topics: [topicDraft(name)], timeoutMs }),
      () => line.ask(incrementalAlterConfigs, 1, { resources, validateOnly: false }),
      () => line.ask(createPartitions, 3, grow(2)),
      () => line.ask(createPartitions, 3, grow(1)),
      () => line.ask(deleteTopics, 6, { topics: [{ name }], timeoutMs }),
      () => line.ask(createTopics, 7, { topics: [topicDraft(name)], timeoutMs }),
    ]
    for (const [i, step] of steps.entries()) {
      const sinceMs = performance.now()
      const answer = await step()
      told.slowestMs = Math.max(told.slowestMs, performance.now() - sinceMs)
      const [first] = answer.topics ?? answer.responses ?? answer.results ?? []
      const error = first === undefined ? JSON.stringify(answer) : errorName(first.errorCode)
      told.outcomes.push(`${i} ${alreadyDone[i] === error ? 'NONE' : error}`)
    }
  }

  async function leader(): Promise<number> {
    const line = new Line(ports.get(apacheId)!, answerMsMax)
    const topics = [{ topicName: metadataTopic, partitions: [{ partitionIndex: 0 }] }]
    const answer = await line.ask(describeQuorum, 2, { topics })
    line.close()
    return answer.topics[0].partitions[0].leaderId
  }

  /** Runs sequences at both brokers, and the given change in their midst. */
  async function play(title: string, change: () => Promise<void>): Promise<void> {
    let isChanged = false
    const changing = once(async () => {
      await change()
      isChanged = true
    })
    const runs = [...ports].map(async ([id, port]) => {
      const line = new Line(port, answerMsMax)
      const told: Told = { outcomes: [], slowestMs: 0 }
      const waits: Promise<void>[] = []
      for (let i = 0, left = after; left > 0; i++) {
        if (i === before) waits.push(changing.start())
        if (isChanged) left--
        await sequence(line, `${title}.${id}.${i}`, told)
      }
      await Promise.all(waits)
      line.close()
      return told
    })
    const [real, mine] = await Promise.all(runs)
    process.stderr.write(
      `  ${title}: ${mine!.outcomes.length} and ${real!.outcomes.length} requests, the slowest ` +
        `${Math.round(mine!.slowestMs)} ms at odradek, ${Math.round(real!.slowestMs)} ms at Apache Kafka\n`,
    )
    const expected = ['0 NONE', '1 NONE', '2 NONE', '3 INVALID_PARTITIONS', '4 NONE', '5 NONE']
    for (const { outcomes } of [mine!, real!]) {
      const all = Array.from({ length: outcomes.length / expected.length }, () => expected).flat()
      expect(outcomes).toEqual(all)
    }
    expect(mine!.slowestMs).toBeLessThan(2 * real!.slowestMs + socketTimeoutMs)
    await expect.poll(async () => topicsAt(odradekId), soon).toEqual(await topicsAt(apacheId))
  }

  /** Returns the topics that a broker tells, with their ids and partitions. */
  async function topicsAt(id: number) {
    const line = new Line(ports.get(id)!)
    const { topics } = await line.ask(metadata, 12, { topics: null })
    line.close()
    return topics.toSorted((a: any, b: any) => (a.name < b.name ? -1 : 1))
  }

  test('its process is killed', async () => {
    const lost = await leader()
    try {
      await play('killed', () => quorum.stopNode(lost, 'SIGKILL'))
    } finally {
      await quorum.startNode(lost)
    }
  })

  test('it falls silent', async () => {
    const lost = await leader()
    try {
      await play('silent', async () => quorum.signal(lost, 'SIGSTOP'))
    } finally {
      quorum.signal(lost, 'SIGCONT')
    }
  })

  test.runIf(isLongForm)('no controller is left', { timeout: 300_000 }, async () => {
    for (const id of controllerIds) await quorum.stopNode(id, 'SIGKILL')
    const answers = (port: number) =>
      Promise.all(
        refusedRequests('absent').map(async ({ api, body }) => {
          const line = new Line(port, 2 * answerMsMax)
          const answer = await line.ask(api, versionsOf({ api, run: async () => {} }).at(-1)!, body)
          line.close()
          return [api.name, answer]
        }),
      )
    const [real, mine] = await Promise.all([...ports.values()].map(answers))
    expect(mine).toEqual(real)
    expect(JSON.stringify(real)).toContain(`"errorCode":${errorCode('REQUEST_TIMED_OUT')}`)
  })
})

/** Runs the work at the first call; every call resolves with its end. */
function once(work: () => Promise<void>) {
  let started: Promise<void> | null = null
  return { start: () => (started ??= work()) }
}
