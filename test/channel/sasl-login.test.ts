import { describe, expect, test } from 'vitest'
import { type Channel, ChannelFault } from '../../src/channel/channel.ts'
import { TcpCarrier } from '../../src/channel/tcp-carrier.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { saslHandshake } from '../../src/protocol/messages/17-sasl-handshake.ts'
import { saslAuthenticate } from '../../src/protocol/messages/36-sasl-authenticate.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import { BadChallenge, type SaslClient } from '../../src/security/sasl/client.ts'
import { SteppedClock, settle } from '../coordinator/group/stepped-clock.ts'
import { newSeeds } from '../seeded.ts'
import { seededRandom } from '../storage/logs.ts'
import { ScriptedDialer } from './scripted-dialer.ts'

const lost = new ChannelFault('disconnected', 'read ECONNRESET')
const served = [
  [12, 0, 4],
  [17, 0, 1],
  [36, 0, 2],
] as const

/** A mechanism of two messages, `one` and `two`. */
class TwoSteps implements SaslClient {
  #step = 0

  answer(challenge: Buffer): Buffer | null {
    if (String(challenge) === 'lie') throw new BadChallenge('the server lies')
    return [Buffer.from('one'), Buffer.from('two'), null][this.#step++]!
  }
}

function setUp(o: { asksVersions?: boolean; seed?: number } = {}) {
  const apis = [heartbeat, saslHandshake, saslAuthenticate] as readonly unknown[]
  const dialer = new ScriptedDialer(apis as AnyApi[])
  const clock = new SteppedClock()
  const login = { mechanism: 'TWO', begin: () => new TwoSteps() }
  const carrier = new TcpCarrier({ dialer, clock, random: seededRandom(o.seed ?? 1), login })
  const channel = carrier.open(
    { nodeId: 7, host: 'h', port: 9 },
    { clientId: 'c', asksVersions: o.asksVersions ?? false },
  )
  return { dialer, clock, channel }
}

function sent(channel: Channel) {
  const outcome = { value: undefined as unknown, fault: null as ChannelFault | null }
  channel
    .send(heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm' }, { timeoutMs: 600_000 })
    .then(
      (value) => {
        outcome.value = value
      },
      (fault) => {
        outcome.fault = fault
      },
    )
  return outcome
}

const handshaken = { errorCode: 0, mechanisms: ['TWO'] }
const token = (authBytes: string, sessionLifetimeMs = 0) => ({
  ...{ errorCode: 0, errorMessage: null, authBytes: Buffer.from(authBytes), sessionLifetimeMs },
})

/** Answers a login from its handshake on. */
async function accept({ peer }: ScriptedDialer, lifetimeMs = 0): Promise<void> {
  for (const answer of [handshaken, token('x'), token('', lifetimeMs)]) {
    peer.answer(answer)
    await settle()
  }
}

const namesOf = ({ peer }: ScriptedDialer) =>
  peer.received.map(({ api, version }) => `${api.name} v${version}`)
const loginNames = ['SaslHandshake v1', 'SaslAuthenticate v2', 'SaslAuthenticate v2']

describe('login', () => {
  test.each([true, false])('precedes requests (asksVersions: %s)', async (asksVersions) => {
    const { dialer, channel } = setUp({ asksVersions })
    const outcome = sent(channel)
    dialer.peer.open()
    dialer.peer.serve(served)
    await settle()
    await accept(dialer)
    expect(namesOf(dialer)).toEqual(['ApiVersions v5', ...loginNames, 'Heartbeat v4'])
    const { received } = dialer.peer
    expect(received[1]!.body).toMatchObject({ mechanism: 'TWO' })
    expect(received.slice(2, 4).map(({ body }) => String(body.authBytes))).toEqual(['one', 'two'])
    dialer.peer.answer({ errorCode: 5 })
    await settle()
    expect(outcome.value).toMatchObject({ errorCode: 5 })
  })

  test('SaslAuthenticate is sent in the newest version that the node serves', async () => {
    const { dialer, channel } = setUp()
    sent(channel)
    dialer.peer.open()
    dialer.peer.serve([...served.slice(0, 2), [36, 0, 1]])
    await settle()
    dialer.peer.answer(handshaken)
    await settle()
    expect(namesOf(dialer).at(-1)).toBe('SaslAuthenticate v1')
  })

  test.each([
    [
      [
        [17, 0, 0],
        [36, 0, 2],
      ],
      'SaslHandshake v1 is not served, but v0 to v0',
    ],
    [[[36, 0, 2]], 'SaslHandshake v1 is not served at all'],
  ] as const)('a node that serves %j is refused', async (versions, reason) => {
    const { dialer, channel } = setUp()
    const outcome = sent(channel)
    dialer.peer.open()
    dialer.peer.serve(versions)
    await settle()
    expect(outcome.fault).toMatchObject({ kind: 'unsupported' })
    expect(outcome.fault?.message).toContain(reason)
    expect(dialer.peer.isDestroyed).toBe(true)
  })

  test.each([
    [
      { errorCode: 33, mechanisms: ['PLAIN', 'X'] },
      "Client SASL mechanism 'TWO' not enabled in the server, enabled mechanisms are [PLAIN, X]",
    ],
    [
      { errorCode: 34, mechanisms: [] },
      'ILLEGAL_SASL_STATE for the SASL mechanism TWO, enabled mechanisms are []',
    ],
  ])('the handshake is answered with %j', async (answer, reason) => {
    const { dialer, channel } = setUp()
    const outcome = sent(channel)
    dialer.peer.open()
    dialer.peer.serve(served)
    await settle()
    dialer.peer.answer(answer)
    await settle()
    expect(outcome.fault).toMatchObject({ kind: 'authentication' })
    expect(outcome.fault?.message).toBe(`node 7 at h:9: ${reason}`)
    expect(dialer.peer.isDestroyed).toBe(true)
  })

  test.each([
    [{ ...token(''), errorCode: 58, errorMessage: 'wrong password' }, 'wrong password'],
    [{ ...token(''), errorCode: 58 }, 'SASL_AUTHENTICATION_FAILED'],
    [token('lie'), 'the server lies'],
  ])('a token is answered with %j', async (answer, reason) => {
    const { dialer, clock, channel } = setUp()
    const outcomes = [sent(channel), sent(channel)]
    dialer.peer.open()
    dialer.peer.serve(served)
    await settle()
    dialer.peer.answer(handshaken)
    await settle()
    dialer.peer.answer(answer)
    await settle()
    for (const { fault } of outcomes) {
      expect(fault).toMatchObject({ kind: 'authentication', message: `node 7 at h:9: ${reason}` })
    }
    expect(dialer.peer.isDestroyed).toBe(true)
    // A login that fails is tried again not sooner than a connection is.
    sent(channel)
    expect(dialer.peers).toHaveLength(1)
    await clock.advance(60)
    expect(dialer.peers).toHaveLength(2)
  })

  test('a node that says nothing during the login is given up', async () => {
    const { dialer, clock, channel } = setUp()
    const outcome = sent(channel)
    dialer.peer.open()
    dialer.peer.serve(served)
    await settle()
    dialer.peer.answer(handshaken)
    await clock.advance(12_000)
    expect(outcome.fault).toMatchObject({ kind: 'disconnected' })
    expect(outcome.fault?.message).toContain('was not ready within')
  })

  test('a node that leaves during the login: disconnected', async () => {
    const { dialer, channel } = setUp()
    const outcome = sent(channel)
    dialer.peer.open()
    dialer.peer.serve(served)
    await settle()
    dialer.peer.close(lost)
    await settle()
    expect(outcome.fault).toMatchObject({ kind: 'disconnected' })
  })
})

describe('a session that ends', () => {
  async function loggedIn(lifetimeMs: number, seed?: number) {
    const up = setUp({ ...(seed === undefined ? {} : { seed }) })
    const first = sent(up.channel)
    up.dialer.peer.open()
    up.dialer.peer.serve(served)
    await settle()
    await accept(up.dialer, lifetimeMs)
    up.dialer.peer.answer({ errorCode: 0 })
    await settle()
    expect(first.value).toBeDefined()
    return up
  }

  test('requests wait for another login on the same connection', async () => {
    const { dialer, clock, channel } = await loggedIn(10_000)
    await clock.advance(9_500)
    const outcomes = [sent(channel), sent(channel)]
    expect(namesOf(dialer).slice(5)).toEqual(['SaslHandshake v1'])
    await accept(dialer, 10_000)
    expect(namesOf(dialer).slice(5)).toEqual([...loginNames, 'Heartbeat v4', 'Heartbeat v4'])
    dialer.peer.answer({ errorCode: 1 })
    dialer.peer.answer({ errorCode: 2 })
    await settle()
    expect(outcomes.map(({ value }) => value)).toMatchObject([{ errorCode: 1 }, { errorCode: 2 }])
    // The second session has an end, too.
    await clock.advance(9_500)
    sent(channel)
    expect(namesOf(dialer).at(-1)).toBe('SaslHandshake v1')
    expect(dialer.peers).toHaveLength(1)
  })

  test('responses of earlier requests come before the new login', async () => {
    const { dialer, clock, channel } = await loggedIn(10_000)
    await clock.advance(8_000)
    const before = sent(channel)
    await clock.advance(1_500)
    const after = sent(channel)
    dialer.peer.answer({ errorCode: 1 })
    await settle()
    expect(before.value).toMatchObject({ errorCode: 1 })
    await accept(dialer)
    dialer.peer.answer({ errorCode: 2 })
    await settle()
    expect(after.value).toMatchObject({ errorCode: 2 })
  })

  test('a login that fails then ends the connection', async () => {
    const { dialer, clock, channel } = await loggedIn(10_000)
    await clock.advance(20_000)
    const outcome = sent(channel)
    dialer.peer.answer(handshaken)
    await settle()
    dialer.peer.answer({ ...token(''), errorCode: 58, errorMessage: 'gone' })
    await settle()
    expect(outcome.fault).toMatchObject({ kind: 'authentication' })
    expect(dialer.peer.isDestroyed).toBe(true)
  })

  test('a silent node is given up then, too', async () => {
    const { dialer, clock, channel } = await loggedIn(10_000)
    await clock.advance(20_000)
    const outcome = sent(channel)
    await clock.advance(12_000)
    expect(outcome.fault).toMatchObject({ kind: 'disconnected' })
    expect(dialer.peer.isDestroyed).toBe(true)
  })

  test.each(newSeeds())(
    'the login is renewed after 85 to 95 hundredths (ODRADEK_SEED=%d)',
    async (seed) => {
      const { dialer, clock, channel } = await loggedIn(1_000_000, seed)
      const startMs = clock.monotonicMs()
      for (;;) {
        sent(channel)
        if (namesOf(dialer).at(-1) === 'SaslHandshake v1') break
        dialer.peer.answer({ errorCode: 0 })
        await clock.advance(1_000)
      }
      const shareMs = clock.monotonicMs() - startMs
      expect(shareMs).toBeGreaterThanOrEqual(850_000)
      expect(shareMs).toBeLessThanOrEqual(951_000)
      channel.close()
    },
  )

  test('without an end nobody logs in again', async () => {
    const { dialer, clock, channel } = await loggedIn(0)
    await clock.advance(2 ** 31)
    sent(channel)
    expect(namesOf(dialer).at(-1)).toBe('Heartbeat v4')
  })

  test('a new connection begins a new session', async () => {
    const { dialer, clock, channel } = await loggedIn(10_000)
    dialer.peer.close(lost)
    await clock.advance(20_000)
    sent(channel)
    dialer.peer.open()
    expect(namesOf(dialer)).toEqual(['ApiVersions v5'])
    expect(dialer.peers).toHaveLength(2)
  })
})
