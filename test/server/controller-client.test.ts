import { expect, test } from 'vitest'
import type { NodeAddress } from '../../src/channel/channel.ts'
import { LoopbackCarrier } from '../../src/channel/loopback-carrier.ts'
import { allocateProducerIds } from '../../src/protocol/messages/67-allocate-producer-ids.ts'
import { ControllerClient } from '../../src/server/controller-client.ts'
import { SteppedClock, settle } from '../coordinator/group/stepped-clock.ts'

const requestTimeoutMs = 1_000
const timeoutMs = 5_000

const at = (nodeId: number): NodeAddress => ({ nodeId, host: 'h', port: nodeId })

/** Controllers 1, which never answers, and 2; the first is active until it is changed. */
function setUp() {
  const clock = new SteppedClock()
  const carrier = new LoopbackCarrier(clock)
  const asked: number[] = []
  const answerOf = (nodeId: number) => ({
    throttleTimeMs: 0,
    errorCode: 0,
    producerIdStart: nodeId,
  })
  const serve = (nodeId: number, answers: boolean) =>
    carrier.serve(nodeId, {
      connect: () => ({
        answer: () => {
          asked.push(nodeId)
          return answers ? Promise.resolve(answerOf(nodeId)) : new Promise(() => {})
        },
      }),
    })
  serve(1, false)
  serve(2, true)
  const active = { controller: at(1) }
  const client = new ControllerClient({
    ...{ carrier, active, clock, requestTimeoutMs, clientId: 'c' },
  })
  const send = () =>
    client
      .send({
        ...{ api: allocateProducerIds, version: 0, body: { brokerId: 1, brokerEpoch: 1 } },
        timeoutMs,
        errorOf: ({ errorCode }) => errorCode,
      })
      .then(
        ({ producerIdStart }) => `controller ${producerIdStart}`,
        (error) => error.kind as string,
      )
  return { clock, asked, active, client, send }
}

test('a request that a controller leaves unanswered goes to the next one', async () => {
  const { clock, asked, active, send } = setUp()
  const outcome = send()
  await settle()
  active.controller = at(2)
  await clock.advance(requestTimeoutMs - 1)
  await settle()
  expect(asked).toEqual([1])
  await clock.advance(1)
  await settle()
  await clock.advance(100)
  expect(await outcome).toBe('controller 2')
  expect(asked).toEqual([1, 2])
})

test('a request is not lost when a later one finds another controller', async () => {
  const { clock, active, send } = setUp()
  const first = send()
  await settle()
  active.controller = at(2)
  expect(await send()).toBe('controller 2')
  await settle()
  await clock.advance(100)
  expect(await first).toBe('controller 2')
})

test('no controller answers in time', async () => {
  const { clock, send } = setUp()
  const outcome = send()
  await settle()
  await clock.advance(timeoutMs + 100)
  expect(await outcome).toBe('timedOut')
})

test('a request ends when the node does', async () => {
  const { client, send } = setUp()
  const outcome = send()
  await settle()
  client.close()
  expect(await outcome).toBe('closed')
})
