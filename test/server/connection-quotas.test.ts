import { beforeEach, describe, expect, test } from 'vitest'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import { emptyImage, type Image } from '../../src/metadata/image.ts'
import { ConnectionQuotas, type Verdict } from '../../src/server/quotas/connection-quotas.ts'
import { ConnectionRates } from '../../src/server/quotas/connection-rates.ts'
import { withQuota } from '../security/quota/quota-image.ts'
import { ManualClock } from '../storage/logs.ts'

const window = { samples: 11, sampleMs: 1_000 }
let clock: ManualClock
let image: Image
let closedIdlest: string[]
beforeEach(() => {
  clock = new ManualClock()
  image = emptyImage
  closedIdlest = []
})

/** The quotas of a broker with these settings and listeners. */
function quotasOf(settings: Record<string, string>, ...listeners: readonly string[]) {
  const broker = new BrokerSettings(new Map(Object.entries(settings)))
  const quotas = new ConnectionQuotas(broker, new ConnectionRates(window, () => image), clock)
  for (const name of listeners) {
    const own = (key: string) => broker.text(`listener.name.${name.toLowerCase()}.${key}`)
    quotas.register({
      name,
      limit: (key) => Number(own(key) ?? broker.text(key)),
      closeIdlest: () => void closedIdlest.push(name),
    })
  }
  const verdicts: Verdict[] = []
  const arrive = (listener: string, address = '10.0.0.1') =>
    quotas.arrive(listener, address, (verdict) => verdicts.push(verdict))
  return { quotas, verdicts, arrive }
}

/** A quota of an address; null for the default. */
function limitAddress(address: string | null, rate: number | null): void {
  image = withQuota(image, { ip: address }, 'connection_creation_rate', rate)
}

const open = { kind: 'open' }

describe('the number of connections', () => {
  test('above the broker’s maximum they wait, in order, until others end', () => {
    const { quotas, verdicts, arrive } = quotasOf({ 'max.connections': '2' }, 'A')
    for (const address of ['1', '2', '3', '4']) arrive('A', address)
    expect(verdicts).toEqual([open, open])
    quotas.closed('A', '1')
    expect(verdicts).toEqual([open, open, open])
    quotas.closed('A', '2')
    expect(verdicts).toHaveLength(4)
  })

  test('a listener has a maximum of its own', () => {
    const settings = { 'max.connections': '10', 'listener.name.a.max.connections': '1' }
    const { verdicts, arrive } = quotasOf(settings, 'A', 'B')
    for (const listener of ['A', 'A', 'B', 'B']) arrive(listener)
    expect(verdicts).toHaveLength(3)
  })

  test('the listener of brokers takes a place from the others', () => {
    const settings = { 'max.connections': '2', 'inter.broker.listener.name': 'OWN' }
    const { verdicts, arrive } = quotasOf(settings, 'OWN', 'B')
    for (const listener of ['B', 'B', 'B', 'OWN']) arrive(listener)
    expect(verdicts).toHaveLength(3)
    expect(closedIdlest).toEqual(['B'])
  })

  test('a new limit is found by those that wait', () => {
    const statics = new Map([['max.connections', '1']])
    const settings = new BrokerSettings(statics)
    const quotas = new ConnectionQuotas(settings, new ConnectionRates(window, () => image), clock)
    const limit = (key: string) => settings.int(key)
    quotas.register({ name: 'A', limit, closeIdlest: () => {} })
    const verdicts: Verdict[] = []
    for (let i = 0; i < 2; i++) quotas.arrive('A', '1', (verdict) => verdicts.push(verdict))
    expect(verdicts).toHaveLength(1)
    statics.set('max.connections', '2')
    clock.advance(1_000)
    expect(verdicts).toHaveLength(2)
  })

  test('an address has as many as it may have, and is refused more', () => {
    const settings = {
      'max.connections.per.ip': '2',
      'max.connections.per.ip.overrides': '10.0.0.9:1,::1:0',
    }
    const { quotas, verdicts, arrive } = quotasOf(settings, 'A')
    for (let i = 0; i < 3; i++) arrive('A')
    expect(verdicts).toEqual([open, open, { kind: 'tooMany', max: 2 }])
    arrive('A', '10.0.0.9')
    arrive('A', '10.0.0.9')
    arrive('A', '::1')
    expect(verdicts.slice(3).map(({ kind }) => kind)).toEqual(['open', 'tooMany', 'tooMany'])
    quotas.closed('A', '10.0.0.1')
    arrive('A')
    expect(verdicts.at(-1)).toEqual(open)
  })
})

describe('the rate of connections', () => {
  test('what comes too fast waits at most a second each', () => {
    const { verdicts, arrive } = quotasOf({ 'max.connection.creation.rate': '2' }, 'A')
    for (let i = 0; i < 22; i++) arrive('A')
    expect(verdicts).toHaveLength(20)
    clock.advance(499)
    expect(verdicts).toHaveLength(20)
    clock.advance(1)
    expect(verdicts).toHaveLength(21)
    clock.advance(1_000)
    expect(verdicts).toHaveLength(22)
  })

  test('each listener may have a rate of its own', () => {
    const settings = { 'listener.name.a.max.connection.creation.rate': '1' }
    const { verdicts, arrive } = quotasOf(settings, 'A', 'B')
    for (let i = 0; i < 15; i++) for (const listener of ['A', 'B']) arrive(listener)
    expect(verdicts).toHaveLength(25)
  })

  test('an address beyond its quota is not served, and does not count', () => {
    limitAddress('10.0.0.1', 1)
    const { verdicts, arrive } = quotasOf({ 'max.connections': '10' }, 'A')
    for (let i = 0; i < 10; i++) arrive('A')
    expect(verdicts.every(({ kind }) => kind === 'open')).toBe(true)
    const { verdicts: more, arrive: connect } = quotasOf({ 'max.connections': '12' }, 'A')
    for (let i = 0; i < 12; i++) connect('A')
    expect(more.slice(10)).toEqual(Array(2).fill({ kind: 'throttled', forMs: 1_000 }))
    for (let i = 0; i < 2; i++) connect('A', '10.0.0.2')
    expect(more.slice(12)).toEqual([open, open])
  })

  test('the default is for those without a quota of their own, and a removed one is gone', () => {
    limitAddress(null, 1)
    limitAddress('10.0.0.2', 100)
    const { verdicts, arrive } = quotasOf({}, 'A')
    for (let i = 0; i < 11; i++) arrive('A', '10.0.0.1')
    for (let i = 0; i < 11; i++) arrive('A', '10.0.0.2')
    expect(verdicts.filter(({ kind }) => kind === 'throttled')).toHaveLength(1)
    limitAddress(null, null)
    arrive('A', '10.0.0.1')
    expect(verdicts.at(-1)).toEqual(open)
  })
})
