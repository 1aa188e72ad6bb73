import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { ApiError, errorCode } from '../../src/protocol/errors.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { listGroups } from '../../src/protocol/messages/16-list-groups.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { Malformed } from '../../src/protocol/schema.ts'
import { Assembly } from '../../src/server/assembly.ts'
import type { Interceptor } from '../../src/server/interceptor.ts'
import { RawClient } from './raw-client.ts'

let assembly: Assembly
let client: RawClient
afterEach(async () => {
  client.close()
  await assembly.close()
})

async function openWith(own: Partial<Interceptor>): Promise<void> {
  const interceptor = {
    before: () => {},
    after: (_call: unknown, body: object | null) => body,
    ...own,
  }
  const outside = { clock: systemClock, random: systemRandom, logger: silentLogger }
  assembly = await Assembly.build({ ...outside, memory: true, port: 0, interceptor })
  client = await RawClient.open(assembly.addressesOf(assembly.brokerIds[0]!)[0]!.port)
}
const software = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' }
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

test('a request is refused before its handler, at once or later', async () => {
  const refusal = new ApiError('THROTTLING_QUOTA_EXCEEDED')
  await openWith({
    before: ({ api }) => {
      if (api.key === 16) throw refusal
      return Promise.reject(refusal)
    },
  })
  const expected = errorCode('THROTTLING_QUOTA_EXCEEDED')
  expect((await client.request(listGroups, 4, { statesFilter: [] })).errorCode).toBe(expected)
  expect((await client.request(apiVersions, 3, software)).errorCode).toBe(expected)
})

test('a request closes its connection before its handler', async () => {
  await openWith({
    before: () => {
      throw new Malformed('not authenticated')
    },
  })
  client.socket.write(client.frameOf(apiVersions, 3, software).bytes)
  expect(await client.nextFrame()).toBe(null)
})

test('a delayed request delays those behind it, and only those of its connection', async () => {
  const begun: number[] = []
  await openWith({
    before: ({ api }) => (api.key === 16 ? sleep(50) : undefined),
    after: ({ api }, body) => {
      begun.push(api.key)
      return body
    },
  })
  const other = await RawClient.open(client.socket.remotePort!)
  const answers = [
    client.request(listGroups, 4, { statesFilter: [] }),
    client.request(apiVersions, 3, software),
    other.request(metadata, 9, { topics: [] }),
  ]
  await Promise.all(answers)
  other.close()
  expect(begun).toEqual([3, 16, 18])
})

test('a response is changed, and its client is muted for a while', async () => {
  const mutedMs = 100
  await openWith({
    after: ({ context, request }, body) => {
      if (!('statesFilter' in request)) return body
      context.session.mute(mutedMs)
      // A shorter one does not end it.
      context.session.mute(1)
      return { ...body, throttleTimeMs: mutedMs }
    },
  })
  const startMs = performance.now()
  const { throttleTimeMs } = await client.request(listGroups, 4, { statesFilter: [] })
  expect(throttleTimeMs).toBe(mutedMs)
  expect(performance.now() - startMs).toBeLessThan(mutedMs)
  await client.request(apiVersions, 3, software)
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(mutedMs - 1)
})
