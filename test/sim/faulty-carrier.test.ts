import { expect, test } from 'vitest'
import { type Channel, ChannelFault } from '../../src/channel/channel.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { FaultyCarrier } from '../../src/sim/faulty-carrier.ts'
import { type FaultRules, FaultyNetwork, noFaults } from '../../src/sim/faulty-network.ts'
import { SteppedClock, settle } from '../coordinator/group/stepped-clock.ts'
import { newSeeds } from '../seeded.ts'
import { seededRandom } from '../storage/logs.ts'

/** A network without faults: notes requests in the order of their arrival, and answers them. */
class NotingNodes {
  readonly arrived: { atMs: number; channel: number; number: number }[] = []
  #opened = 0
  /** Number of channels that are not closed. */
  open = 0
  /** Requests wait for `answerAll` while true. */
  holds = false
  readonly #held: (() => void)[] = []
  readonly #clock: SteppedClock

  constructor(clock: SteppedClock) {
    this.#clock = clock
  }

  answerAll(): void {
    for (const answer of this.#held.splice(0)) answer()
  }

  channelTo(): Channel {
    this.open++
    const channel = this.#opened++
    let isClosed = false
    return {
      served: null,
      send: (_api, _version, body: any) =>
        new Promise((resolve, reject) => {
          if (isClosed) return reject(new ChannelFault('closed', 'closed'))
          const number = body.generationId
          this.arrived.push({ atMs: this.#clock.monotonicMs(), channel, number })
          const answer = () => resolve({ throttleTimeMs: 0, errorCode: number } as never)
          if (this.holds) this.#held.push(answer)
          else answer()
        }),
      close: () => {
        if (!isClosed) this.open--
        isClosed = true
      },
    }
  }

  get numbers(): number[] {
    return this.arrived.map(({ number }) => number)
  }
}

function setUp(rules: Partial<FaultRules> = {}, seed = 1) {
  const clock = new SteppedClock()
  const noting = new NotingNodes(clock)
  const network = new FaultyNetwork({ clock, random: seededRandom(seed) })
  network.rules = { ...noFaults, ...rules }
  const inner = { open: () => noting.channelTo() }
  const open = (from: number, to: number, nodeId = to) =>
    new FaultyCarrier({ network, nodeId: from, inner }).open(
      { nodeId, host: 'h', port: to },
      { clientId: 'c', asksVersions: false },
    )
  return { clock, noting, network, open }
}

interface Outcome {
  settledAtMs: number | null
  number: number | null
  kind: string | null
}

/** The outcome of a request, noted when it comes. */
function sent(channel: Channel, clock: SteppedClock, number: number, timeoutMs = 1_000): Outcome {
  const outcome: Outcome = { settledAtMs: null, number: null, kind: null }
  channel
    .send(heartbeat, 4, { groupId: '', memberId: '', generationId: number }, { timeoutMs })
    .then(
      ({ errorCode }) => {
        outcome.number = errorCode
      },
      (fault) => {
        outcome.kind = fault.kind
      },
    )
    .finally(() => {
      outcome.settledAtMs = clock.monotonicMs()
    })
  return outcome
}

test('without rules a request is handed on at once, and nothing is counted', async () => {
  const { clock, noting, network, open } = setUp()
  const channel = open(1, 2)
  const outcome = sent(channel, clock, 5)
  expect(noting.numbers).toEqual([5])
  await settle()
  expect(outcome.number).toBe(5)
  expect(Object.values(network.counts).every((count) => count === 0)).toBe(true)
})

test('delays keep the order of a channel and change that among channels', async () => {
  const { clock, noting, network, open } = setUp({ delayMsMax: 100 })
  const [one, other] = [open(1, 2), open(1, 3)]
  const numbers = Array.from({ length: 20 }, (_, i) => i)
  const outcomes = numbers.map((i) => sent(i % 2 === 0 ? one : other, clock, i))
  await clock.advance(200)
  expect(outcomes.map(({ number }) => number)).toEqual(numbers)
  const evens = noting.numbers.filter((i) => i % 2 === 0)
  const odds = noting.numbers.filter((i) => i % 2 === 1)
  expect(evens).toEqual(numbers.filter((i) => i % 2 === 0))
  expect(odds).toEqual(numbers.filter((i) => i % 2 === 1))
  expect(noting.numbers).not.toEqual(numbers)
  expect(network.counts.delayed).toBeGreaterThan(0)
})

test('a response that is delayed beyond the time limit is one that times out', async () => {
  const { clock, noting, network, open } = setUp()
  noting.holds = true
  const outcome = sent(open(1, 2), clock, 1, 100)
  network.rules = { ...noFaults, delayMsMax: 1_000_000 }
  noting.answerAll()
  await settle()
  await clock.advance(100)
  expect(outcome).toMatchObject({ kind: 'timedOut' })
})

test('a lost request stops its channel until its time limit', async () => {
  const { clock, noting, network, open } = setUp({ requestLost: 1 })
  const channel = open(1, 2)
  const lost = sent(channel, clock, 1, 100)
  network.rules = noFaults
  const behind = sent(channel, clock, 2, 1_000)
  await clock.advance(99)
  expect(lost.kind).toBeNull()
  await clock.advance(1)
  expect(noting.numbers).toEqual([])
  expect([lost.kind, behind.kind]).toEqual(['timedOut', 'disconnected'])
  expect(network.counts.requestLost).toBe(1)
  const next = sent(channel, clock, 3)
  await clock.advance(60)
  expect(next.number).toBe(3)
})

test('a lost response leaves its request carried out, and those behind it, too', async () => {
  const { clock, noting, network, open } = setUp()
  const channel = open(1, 2)
  noting.holds = true
  const before = sent(channel, clock, 1)
  network.rules = { ...noFaults, responseLost: 1 }
  const lost = sent(channel, clock, 2, 100)
  network.rules = noFaults
  const behind = sent(channel, clock, 3)
  noting.answerAll()
  await settle()
  await clock.advance(100)
  expect(noting.numbers).toEqual([1, 2, 3])
  expect(before.number).toBe(1)
  expect([lost.kind, behind.kind]).toEqual(['timedOut', 'disconnected'])
})

test('a cut connection answers at once, and the request is carried out', async () => {
  const { clock, noting, network, open } = setUp({ connectionCut: 1 })
  noting.holds = true
  const channel = open(1, 2)
  const outcome = sent(channel, clock, 1)
  await settle()
  expect(noting.numbers).toEqual([1])
  expect(outcome.kind).toBe('disconnected')
  expect(network.counts.connectionCut).toBe(1)
  // The old connection is kept until the request is done.
  expect(noting.open).toBe(2)
  noting.answerAll()
  await settle()
  expect(noting.open).toBe(1)
})

test('a duplicate is carried out later, and answers nobody', async () => {
  const { clock, noting, network, open } = setUp({ duplicated: 1, duplicateDelayMsMax: 500 })
  const outcome = sent(open(1, 2), clock, 1)
  await settle()
  expect(outcome.number).toBe(1)
  await clock.advance(500)
  expect(noting.numbers).toEqual([1, 1])
  expect(noting.arrived[1]!.atMs).toBeGreaterThan(noting.arrived[0]!.atMs)
  expect(network.counts.duplicated).toBe(1)
  expect(noting.open).toBe(1)
})

test('refused connections: open ones go on, others wait longer each time', async () => {
  const { clock, noting, network, open } = setUp()
  const connected = open(1, 2)
  sent(connected, clock, 1)
  await settle()
  network.rules = { ...noFaults, connectionRefused: 1 }
  const goesOn = sent(connected, clock, 2)
  const channel = open(1, 3)
  const kinds: (string | null)[] = []
  const startMs = clock.monotonicMs()
  for (let i = 0; i < 6; i++) {
    const outcome = sent(channel, clock, 3, 10_000)
    while (outcome.settledAtMs === null) await clock.advance(1)
    kinds.push(outcome.kind)
  }
  expect(goesOn.number).toBe(2)
  expect(new Set(kinds)).toEqual(new Set(['disconnected']))
  expect(noting.numbers).toEqual([1, 2])
  expect(clock.monotonicMs() - startMs).toBeGreaterThan(1_200)
  expect(network.counts.connectionRefused).toBe(6)
})

test('separated nodes lose requests and responses; others do not', async () => {
  const { clock, noting, network, open } = setUp()
  noting.holds = true
  const [there, back, elsewhere] = [open(1, 2), open(2, 1), open(1, 3)]
  const inFlight = sent(there, clock, 1, 100)
  network.separate(2, 1)
  noting.answerAll()
  await settle()
  noting.holds = false
  const outcomes = [sent(back, clock, 2, 100), sent(elsewhere, clock, 3, 100)]
  await clock.advance(100)
  expect(noting.numbers).toEqual([1, 3])
  expect([inFlight, ...outcomes].map(({ kind }) => kind)).toEqual(['timedOut', 'timedOut', null])
  network.join(1, 2)
  const again = [sent(there, clock, 4), sent(back, clock, 5)]
  await clock.advance(100)
  expect(again.map(({ number }) => number)).toEqual([4, 5])
})

test('an address from settings belongs to the node that was placed there', async () => {
  const { clock, network, open } = setUp()
  network.place(2, 'h', 2)
  network.separate(1, 2)
  const outcomes = [sent(open(1, 2, -1), clock, 1, 100), sent(open(1, 3, -1), clock, 1, 100)]
  await clock.advance(100)
  expect(outcomes.map(({ kind }) => kind)).toEqual(['timedOut', null])
  network.joinAll()
  expect(network.isSeparated(1, 2)).toBe(false)
})

test('a request is overtaken by one of another channel, or goes on after a while', async () => {
  const { clock, noting, network, open } = setUp({ overtaken: 1, overtakingMsMax: 50 })
  const [one, other] = [open(1, 2), open(1, 3)]
  sent(one, clock, 1)
  sent(one, clock, 2)
  await settle()
  expect(noting.numbers).toEqual([])
  network.rules = noFaults
  sent(other, clock, 3)
  await settle()
  expect(noting.numbers[0]).toBe(3)
  await clock.advance(50)
  expect(noting.numbers).toEqual([3, 1, 2])
  expect(network.counts.overtaken).toBe(2)
})

test('rules may concern some requests only', async () => {
  const only: FaultRules['only'] = ({ apiKey, from, to }) => apiKey === 12 && from === 1 && to === 3
  const { clock, open } = setUp({ requestLost: 1, only })
  const outcomes = [open(1, 2), open(1, 3), open(2, 3)].map((it) => sent(it, clock, 1, 100))
  await clock.advance(100)
  expect(outcomes.map(({ kind }) => kind)).toEqual([null, 'timedOut', null])
})

test('close rejects what is pending, and leaves no timer and no connection', async () => {
  const { clock, noting, network, open } = setUp({ delayMsMax: 100 })
  noting.holds = true
  const channel = open(1, 2)
  const outcomes = Array.from({ length: 10 }, (_, i) => sent(channel, clock, i))
  await clock.advance(30)
  network.rules = { ...noFaults, connectionCut: 1 }
  sent(channel, clock, 10)
  await clock.advance(100)
  network.rules = { ...noFaults, delayMsMax: 100 }
  outcomes.push(sent(channel, clock, 11))
  channel.close()
  await settle()
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['disconnected', 'closed']))
  expect(noting.open).toBe(0)
  expect(clock.pending).toBe(0)
  const before = noting.arrived.length
  await clock.advance(100_000)
  expect(noting.arrived).toHaveLength(before)
  const later = sent(channel, clock, 12)
  await settle()
  expect(later.kind).toBe('closed')
})

test.each(newSeeds())('all faults at once (ODRADEK_SEED=%d)', async (seed) => {
  const chances = { requestLost: 0.02, responseLost: 0.02, connectionCut: 0.05, duplicated: 0.1 }
  const { clock, noting, network, open } = setUp(
    {
      ...chances,
      ...{ connectionRefused: 0.2, overtaken: 0.1, overtakingMsMax: 30 },
      ...{ delayMsMax: 20, duplicateDelayMsMax: 300 },
    },
    seed,
  )
  const random = seededRandom(seed + 1)
  const channels = [open(1, 2), open(1, 3), open(2, 3)]
  const requests: { number: number; from: number; startMs: number; outcome: Outcome }[] = []
  for (let number = 0; number < 2_000; number++) {
    const from = random.int(3)
    const startMs = clock.monotonicMs()
    requests.push({ number, from, startMs, outcome: sent(channels[from]!, clock, number, 400) })
    if (random.int(200) === 0) network.separate(1, 2)
    if (random.int(50) === 0) network.joinAll()
    if (random.int(3) === 0) await clock.advance(random.int(30))
  }
  network.joinAll()
  await clock.advance(1_000)
  for (const { number, startMs, outcome } of requests) {
    expect(outcome.settledAtMs! - startMs).toBeLessThanOrEqual(400)
    if (outcome.kind === null) expect(outcome.number).toBe(number)
    else expect(['disconnected', 'timedOut']).toContain(outcome.kind)
  }
  const answered = requests.filter(({ outcome }) => outcome.kind === null)
  const numbers = new Set(noting.numbers)
  expect(answered.every(({ number }) => numbers.has(number))).toBe(true)
  const lastOf = new Map<number, number>()
  for (const { channel, number } of noting.arrived) {
    expect(number).toBeGreaterThan(lastOf.get(channel) ?? -1)
    lastOf.set(channel, number)
  }
  expect(Math.min(...Object.values(network.counts))).toBeGreaterThan(0)
  for (const channel of channels) channel.close()
  await clock.advance(1_000)
  expect(noting.open).toBe(0)
  expect(clock.pending).toBe(0)
})
