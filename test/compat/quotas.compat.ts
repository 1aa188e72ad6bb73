import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.ts'
import { createPartitions } from '../../src/protocol/messages/37-create-partitions.ts'
import { until } from './kafkajs/client.ts'
import { type Entity, type Quota, QuotaSide, users } from './security/quota-side.ts'
import { Line } from './wire/peer.ts'
import { smallBatch } from './wire/small-batch.ts'

const topic = 'limited'
/** Size of the records of a Produce request that is to be throttled. */
const recordBytes = 30_000

function produceOf(bytes: number, acks = -1, to = topic) {
  const value = Buffer.alloc(bytes)
  const records = smallBatch(1, {
    records: [{ key: null, value, timestampMs: 1_700_000_000_000 }],
  })
  return {
    ...{ transactionalId: null, acks, timeoutMs: 10_000 },
    topicData: [{ name: to, partitionData: [{ index: 0, records }] }],
  }
}

async function throttleOf(line: Line): Promise<number> {
  const { throttleTimeMs } = await line.ask(produce, 9, produceOf(recordBytes))
  return throttleTimeMs
}

const topicOf = (name: string, numPartitions = 1) => ({
  ...{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] },
})

async function makeTopic({ admin }: QuotaSide, name: string): Promise<void> {
  const body = { topics: [topicOf(name)], timeoutMs: 30_000, validateOnly: false }
  await admin.ask(createTopics, 7, body)
  await until('the topic has a leader', async () => {
    const { responses } = await admin.ask(produce, 9, produceOf(1, -1, name))
    return responses?.[0]?.partitionResponses[0]?.errorCode === 0
  })
}

/** Two throttles are of the same kind: none, or about as long. */
function areAlike(one: number, other: number): boolean {
  if (one === 0 || other === 0) return one === other
  return Math.abs(one - other) <= 1_000 + Math.max(one, other) * 0.1
}

describe.skipIf(inject('javaMissing') !== null)('quotas, beside Apache Kafka', () => {
  let sides: readonly QuotaSide[]
  beforeAll(async () => {
    sides = await Promise.all([QuotaSide.start('odradek'), QuotaSide.start('kafka')])
    await Promise.all(sides.map((side) => makeTopic(side, topic)))
  })
  afterAll(() => Promise.all((sides ?? []).map((side) => side.close())))

  const both = <T>(work: (side: QuotaSide) => Promise<T>) => Promise.all(sides.map(work))
  const set = (quotas: readonly Quota[]) => both((side) => side.set(quotas))
  const unset = (quotas: readonly Quota[]) =>
    set(quotas.map((quota) => ({ ...quota, value: null })))

  let lastId = 0
  const nextId = () => ++lastId

  /** Asks both brokers as one client that has just connected, and lets it go. */
  const asOne = <T>(
    user: string | null,
    clientId: string | null,
    ask: (line: Line) => Promise<T>,
  ) =>
    both(async (side) => {
      const line = await side.lineOf(user, clientId)
      try {
        return await ask(line)
      } finally {
        line.close()
      }
    })

  test('the same of eight entities decides, whichever have quotas', async () => {
    const key = 'producer_byte_rate'
    const sets = [...Array(8).keys()].flatMap((i) => [
      [i],
      ...[...Array(8).keys()].filter((j) => j > i).map((j) => [i, j]),
    ])
    sets.push([...Array(8).keys()])
    const wrong: string[] = []
    let throttled = 0
    for (const chosen of sets) {
      // The kind of client that has no name of its own, too.
      for (const isNamed of chosen.length === 2 ? [true] : [true, false]) {
        let shown = ''
        // The brokers apply a change soon after they describe it: another client tries again.
        for (let attempt = 0; attempt < 3; attempt++) {
          const id = nextId()
          const user = users[id % users.length]!
          const clientId = `client${id}`
          const entities: readonly Entity[] = [
            { user, 'client-id': clientId },
            { user, 'client-id': null },
            { user },
            { user: null, 'client-id': clientId },
            { user: null, 'client-id': null },
            { user: null },
            { 'client-id': clientId },
            { 'client-id': null },
          ]
          // Each has a limit of its own, by which it is recognized.
          const quotas = chosen.map((i) => ({ entity: entities[i]!, key, value: 100 * (i + 1) }))
          await set(quotas)
          const [ours, theirs] = await asOne(user, isNamed ? clientId : null, throttleOf)
          await unset(quotas)
          shown = areAlike(ours!, theirs!) ? '' : `${chosen} ${isNamed}: ${ours} for ${theirs}`
          if (theirs! > 0) throttled++
          if (shown === '') break
        }
        if (shown !== '') wrong.push(shown)
      }
    }
    expect(wrong).toEqual([])
    expect(throttled).toBeGreaterThan(35)
  })

  test('the answer comes at once, and the next one after the throttle', async () => {
    const quotas = [-1, 0].map((acks) => ({
      entity: { 'client-id': `muted${acks}` },
      ...{ key: 'producer_byte_rate', value: 10_000 },
    }))
    await set(quotas)
    const askTwice = (acks: number) =>
      asOne(null, `muted${acks}`, async (line) => {
        const startMs = performance.now()
        const body = produceOf(130_000, acks)
        let throttleMs = 3_000
        if (acks === 0) line.tell(produce, 9, body)
        else ({ throttleTimeMs: throttleMs } = await line.ask(produce, 9, body))
        const answeredMs = performance.now() - startMs
        await line.ask(apiVersions, 0, {})
        return { throttleMs, answeredMs, nextMs: performance.now() - startMs }
      })
    for (const { throttleMs, answeredMs, nextMs } of (
      await Promise.all([askTwice(-1), askTwice(0)])
    ).flat()) {
      expect(Math.abs(throttleMs - 3_000)).toBeLessThan(300)
      expect(answeredMs).toBeLessThan(throttleMs)
      expect(nextMs).toBeGreaterThanOrEqual(2_900)
    }
    await unset(quotas)
  })

  test('a removed quota throttles no longer', async () => {
    const quota = { entity: { 'client-id': 'freed' }, key: 'producer_byte_rate', value: 100 }
    await set([quota])
    const before = await asOne(null, 'freed', throttleOf)
    await unset([quota])
    const isFree = async () => (await asOne(null, 'freed', throttleOf)).every((ms) => ms === 0)
    expect(Math.min(...before)).toBeGreaterThan(0)
    await until('the quota has gone', isFree)
  })

  /** Reads a topic from its start, as a client that has just connected. */
  async function read(
    side: QuotaSide,
    clientId: string,
    from: string,
    session = { id: 0, epoch: 0 },
  ) {
    const line = await side.lineOf(null, clientId)
    const asked = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }
    const { responses, ...answer } = await line.ask(fetch, 11, {
      ...{ maxWaitMs: 100, minBytes: 1, maxBytes: 1_000_000, isolationLevel: 0 },
      ...{ sessionId: session.id, sessionEpoch: session.epoch, forgottenTopicsData: [] },
      topics: [{ topic: from, partitions: [asked] }],
    })
    line.close()
    const bytes: number[] = responses.flatMap(({ partitions }: any) =>
      partitions.map(({ records }: any) => records?.length ?? 0),
    )
    const { sessionId, errorCode, throttleTimeMs } = answer
    return { sessionId, errorCode, bytes, throttleTimeMs: throttleTimeMs as number }
  }

  async function fill(name: string, count: number): Promise<void> {
    await both(async (side) => {
      await makeTopic(side, name)
      for (let i = 0; i < count; i++) await side.admin.ask(produce, 9, produceOf(200, -1, name))
    })
  }

  test('a throttled fetch is empty, and its session goes on', async () => {
    await fill('read', 2)
    const quota = { entity: { 'client-id': 'reader' }, key: 'consumer_byte_rate', value: 70 }
    await set([quota])
    const [ours, theirs] = await both(async (side) => {
      const first = await read(side, 'reader', 'read')
      const session = { id: first.sessionId, epoch: 1 }
      const next = await read(side, 'reader', 'read', session)
      return { first, next, full: await read(side, 'reader', 'read') }
    })
    await unset([quota])
    for (const { first, next, full } of [ours!, theirs!]) {
      expect(first).toMatchObject({ errorCode: 0, throttleTimeMs: 0 })
      expect(first.bytes[0]).toBeGreaterThan(400)
      expect(next).toMatchObject({ errorCode: 0, bytes: [], sessionId: first.sessionId })
      expect(full).toMatchObject({ errorCode: 0, bytes: [], sessionId: 0 })
      expect(next.throttleTimeMs).toBeGreaterThan(0)
    }
    expect(ours!.first.bytes).toEqual(theirs!.first.bytes)
    for (const which of ['next', 'full'] as const) {
      const [one, other] = [ours![which].throttleTimeMs, theirs![which].throttleTimeMs]
      expect(areAlike(one, other), `${which}: ${one} for ${other}`).toBe(true)
    }
  })

  test('a fetch is cut to what the window of its quota allows', async () => {
    await fill('long', 40)
    const quota = { entity: { 'client-id': 'slow' }, key: 'consumer_byte_rate', value: 100 }
    await set([quota])
    await both(async (side) => {
      let bytes: number[] = []
      await until('records come', async () => {
        ;({ bytes } = await read(side, 'slow', 'long'))
        return bytes.length > 0
      })
      expect(bytes[0]).toBeGreaterThan(500)
      expect(bytes[0]).toBeLessThanOrEqual(1_000)
    })
    await unset([quota])
  })

  test('the time of requests is limited by throttles of at most a sample', async () => {
    const quota = { entity: { 'client-id': 'busy' }, key: 'request_percentage', value: 0.001 }
    await set([quota])
    const throttles = () =>
      asOne(null, 'busy', async (line) => {
        const { throttleTimeMs } = await line.ask(metadata, 9, { topics: [{ name: topic }] })
        return throttleTimeMs as number
      })
    await until('both throttle', async () => (await throttles()).every((ms) => ms === 1_000))
    // Without an answer there is no throttle for the time of a request.
    const answeredMs = () =>
      asOne(null, 'busy', async (line) => {
        const startMs = performance.now()
        line.tell(produce, 9, produceOf(10, 0))
        await line.ask(metadata, 9, { topics: [{ name: topic }] })
        return performance.now() - startMs
      })
    await until('neither mutes', async () => (await answeredMs()).every((ms) => ms < 1_000))
    await unset([quota])
  })

  const mutations = 'controller_mutation_rate'
  const codesOf = (answers: readonly any[]) =>
    answers.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])

  /** Both brokers' answers to one client with a rate of 1, and its throttles. */
  async function mutate<T>(change: (line: Line, side: QuotaSide) => Promise<readonly [T, number]>) {
    const id = `mutating${nextId()}`
    const quota = { entity: { 'client-id': id }, key: mutations, value: 1 }
    await set([quota])
    const [ours, theirs] = await both(async (side) => {
      const line = await side.lineOf(null, id)
      const answer = await change(line, side)
      line.close()
      return answer
    })
    await unset([quota])
    expect(ours![0]).toEqual(theirs![0])
    expect(areAlike(ours![1], theirs![1]), `${ours![1]} for ${theirs![1]}`).toBe(true)
    return ours!
  }

  const withTime = { timeoutMs: 30_000 }
  test.each([2, 5, 6, 7])('CreateTopics v%i is refused or throttled', async (version) => {
    for (const validateOnly of [false, true]) {
      const names = ['a', 'b', 'c', 'd'].map((one) => `created-${version}-${validateOnly}-${one}`)
      const [codes, throttleMs] = await mutate(async (line) => {
        const topics = [
          ...[6, 80, 2, 1].map((count, i) => topicOf(names[i]!, count)),
          topicOf('no/such', 2),
        ]
        const answer = await line.ask(createTopics, version, { topics, validateOnly, ...withTime })
        return [codesOf(answer.topics), answer.throttleTimeMs]
      })
      const refused = codes.filter(([code]) => code === 89).length
      expect(refused).toBe(version >= 6 ? 2 : 0)
      expect(throttleMs).toBeGreaterThan(40_000)
    }
  })

  test('many topics: the same are made', async () => {
    const [codes] = await mutate(async (line) => {
      const topics = Array.from({ length: 300 }, (_, i) => topicOf(`many-${i}`, i < 3 ? 5 : 1))
      // Most are refused while the permits of a minute are overdrawn.
      topics.splice(2, 0, topicOf('many-large', 80))
      const body = { topics, validateOnly: false, ...withTime }
      const answer = await line.ask(createTopics, 7, body)
      return [codesOf(answer.topics), answer.throttleTimeMs]
    })
    expect(codes.filter(([code]) => code === 89)).toHaveLength(298)
  })

  test.each([2, 3])('CreatePartitions v%i is refused or throttled', async (version) => {
    const names = [0, 1, 2].map((i) => `grown-${version}-${i}`)
    await both(({ admin }) => {
      const topics = names.map((name) => topicOf(name))
      return admin.ask(createTopics, 5, { topics, validateOnly: false, ...withTime })
    })
    for (const validateOnly of [true, false]) {
      const [codes] = await mutate(async (line) => {
        const topics = names.map((name) => ({ name, count: 21, assignments: null }))
        const body = { topics, validateOnly, ...withTime }
        const answer = await line.ask(createPartitions, version, body)
        return [codesOf(answer.results), answer.throttleTimeMs]
      })
      expect(codes.filter(([code]) => code === 89)).toHaveLength(version >= 3 ? 2 : 0)
    }
  })

  test.each([4, 5, 6])('DeleteTopics v%i is refused or throttled', async (version) => {
    const names = [0, 1, 2].map((i) => `deleted-${version}-${i}`)
    await both(({ admin }) => {
      const topics = names.map((name) => topicOf(name, 20))
      return admin.ask(createTopics, 5, { topics, validateOnly: false, ...withTime })
    })
    const topicId = 'AAAAAAAAAAAAAAAAAAAAAA'
    const [codes] = await mutate(async (line) => {
      const topics = names.map((name) => ({ name, topicId }))
      const body = version >= 6 ? { topics } : { topicNames: names }
      const answer = await line.ask(deleteTopics, version, { ...body, ...withTime })
      // Which ones are refused depends on their ids.
      const codes = codesOf(answer.responses).toSorted((a, b) => a[0] - b[0])
      return [codes, answer.throttleTimeMs]
    })
    expect(codes.filter(([code]) => code === 89)).toHaveLength(version >= 5 ? 2 : 0)
  })

  const isServed = async (line: Line) => typeof (await line.ask(apiVersions, 0, {})) !== 'string'

  test('connections above max.connections of a listener wait for a place', async () => {
    await both(async ({ ports }) => {
      const lines = Array.from({ length: 3 }, () => new Line(ports.few, 20_000))
      for (const line of lines) expect(await isServed(line)).toBe(true)
      const last = new Line(ports.few, 20_000)
      let isLastServed = false
      const served = isServed(last).finally(() => {
        isLastServed = true
      })
      for (const line of lines) expect(await isServed(line)).toBe(true)
      expect(isLastServed).toBe(false)
      lines.pop()!.close()
      expect(await served).toBe(true)
      for (const line of [...lines, last]) line.close()
    })
  })

  test('connections beyond max.connection.creation.rate are served later', async () => {
    const tookMs = await both(async ({ ports }) => {
      const startMs = performance.now()
      const lines = Array.from({ length: 23 }, () => new Line(ports.slow, 20_000))
      expect(await Promise.all(lines.map(isServed))).not.toContain(false)
      for (const line of lines) line.close()
      return performance.now() - startMs
    })
    // Twenty are free; then each waits for half a second.
    for (const ms of tookMs) expect(ms).toBeGreaterThan(1_000)
    expect(Math.abs(tookMs[0]! - tookMs[1]!)).toBeLessThan(4_000)
  })

  test('connections of an address beyond its rate are closed without an answer', async () => {
    const quotas = [{ entity: { ip: '127.0.0.1' }, key: 'connection_creation_rate', value: 2 }]
    await set(quotas)
    const counts = await both(async ({ port }) => {
      const lines = Array.from({ length: 40 }, () => new Line(port, 20_000))
      const served = await Promise.all(lines.map(isServed))
      for (const line of lines) line.close()
      return served.filter((one) => one).length
    })
    await unset(quotas)
    // Twenty at once, and two more for each second that the connects take.
    for (const count of counts) {
      expect(count).toBeGreaterThanOrEqual(18)
      expect(count).toBeLessThan(30)
    }
  })
})
