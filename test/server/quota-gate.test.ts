import { beforeEach, expect, test } from 'vitest'
import { emptyImage } from '../../src/metadata/image.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { saslHandshake } from '../../src/protocol/messages/17-sasl-handshake.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { writeTxnMarkers } from '../../src/protocol/messages/27-write-txn-markers.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import type { Call } from '../../src/server/interceptor.ts'
import { QuotaGate } from '../../src/server/quotas/quota-gate.ts'
import { withQuota } from '../security/quota/quota-image.ts'
import { ManualClock } from '../storage/logs.ts'

const window = { samples: 11, sampleMs: 1_000 }
let clock: ManualClock
let gate: QuotaGate
let muted: number[]
beforeEach(() => {
  clock = new ManualClock()
  gate = new QuotaGate({ window, clock, inner: null })
  muted = []
})

/** Gives every client these quotas. */
function limit(values: Readonly<Record<string, number>>): void {
  let image = emptyImage
  for (const [key, value] of Object.entries(values)) {
    image = withQuota(image, { 'client-id': null }, key, value)
  }
  gate.follow(image)
}

/** A request of `bytes` whose handler takes `forMs`. @returns the body that is sent. */
function ask(
  api: AnyApi,
  body: object | null,
  { bytes = 0, forMs = 0, request = {}, isAuthenticated = true } = {},
): any {
  const session = {
    principal: { type: 'User', name: 'u' },
    isAuthenticated,
    mute: (ms: number) => muted.push(ms),
  }
  const context = { apiVersion: 9, correlationId: 1, clientId: 'c', session }
  const call = { api, request, context, frameBytes: bytes, handledMs: 0 }
  const seat = gate.current
  if (seat === null) return body
  void seat.before(call as unknown as Call)
  clock.advance(forMs)
  return seat.after(call as unknown as Call, body)
}

test('without quotas of clients it does not stand in the way', () => {
  expect(gate.current).toBeNull()
  gate.follow(withQuota(emptyImage, { ip: null }, 'connection_creation_rate', 1))
  expect(gate.current).toBeNull()
  for (const key of ['producer_byte_rate', 'controller_mutation_rate']) {
    limit({ [key]: 1 })
    expect(gate.current).toBe(gate)
  }
  gate.follow(emptyImage)
  expect(gate.current).toBeNull()
})

test('the throttle in the response is the larger of two, and the client is muted for it', () => {
  limit({ producer_byte_rate: 1_000, request_percentage: 0.1 })
  const request = { acks: 1 }
  const body = { responses: [] }
  expect(ask(produce, body, { bytes: 15_000, request }).throttleTimeMs).toBe(5_000)
  // A second of time is ten percent of the window; a throttle for it has at most a second.
  expect(ask(metadata, {}, { forMs: 1_000 }).throttleTimeMs).toBe(1_000)
  expect(ask(produce, body, { bytes: 0, request }).throttleTimeMs).toBe(5_000)
  expect(muted).toEqual([5_000, 1_000, 5_000])
})

test('without acknowledgement only the bytes count, and the client is muted all the same', () => {
  limit({ producer_byte_rate: 1_000, request_percentage: 0.001 })
  expect(ask(produce, null, { bytes: 10, forMs: 1_000, request: { acks: 0 } })).toBeNull()
  expect(muted).toEqual([])
  expect(ask(produce, null, { bytes: 15_000, request: { acks: 0 } })).toBeNull()
  expect(muted).toHaveLength(1)
})

test('what a handler asks for is kept, unless the time of the request asks for more', () => {
  limit({ request_percentage: 0.1 })
  expect(ask(createTopics, { throttleTimeMs: 200, topics: [] }).throttleTimeMs).toBe(200)
  const long = ask(createTopics, { throttleTimeMs: 200, topics: [] }, { forMs: 1_000 })
  expect(long.throttleTimeMs).toBe(1_000)
  expect(muted).toEqual([200, 1_000])
})

test('a response without the field stays as it is', () => {
  limit({ request_percentage: 0.1 })
  const body = { errorCode: 0, mechanisms: [] }
  expect(ask(saslHandshake, body, { forMs: 1_000 })).toBe(body)
  expect(muted).toEqual([1_000])
})

test('requests between brokers, and those before a login, count for nobody', () => {
  limit({ request_percentage: 0.1 })
  expect(ask(writeTxnMarkers, { markers: [] }, { forMs: 1_000 })).toEqual({ markers: [] })
  expect(ask(metadata, {}, { forMs: 1_000, isAuthenticated: false })).toEqual({})
  expect(ask(metadata, {})).toEqual({})
  expect(muted).toEqual([])
})
