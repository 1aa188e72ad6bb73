import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import type { Turns } from '../../src/base/turns.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import { requestFrame } from '../../src/protocol/frame.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { allowAll } from '../../src/security/authorizer.ts'
import { Dispatcher } from '../../src/server/dispatch.ts'
import { handleMetadata } from '../../src/server/handlers/03-metadata.ts'
import type { Services } from '../../src/server/services.ts'
import { newSession, type Session } from '../../src/server/session.ts'

const topics = Array.from({ length: 2_000 }, (_, i) => {
  const name = `t${i}`
  return [name, { name, id: name.padEnd(22, 'A'), partitions: [] }] as const
})

test.each([
  ['described', 5],
  ['written', 130],
])('a Metadata request whose topics are being %s ends with its connection', async (_, at) => {
  const gone = new AbortController()
  let given = 0
  const turns: Turns = {
    isOver: () => true,
    next: async () => {
      if (++given === at) gone.abort()
    },
  }
  const services = {
    ...{ turns, logger: silentLogger, authorizer: allowAll, identity: { clusterId: 'c' } },
    ...{
      metadata: { image: { ...emptyImage, topics: new Map(topics) } },
      random: { int: () => 0 },
    },
  } as unknown as Services
  const handlers = new Map([[metadata.key, handleMetadata]])
  const dispatcher = new Dispatcher(handlers as never, services, null as never, { current: null })
  const session = newSession({ id: 'c', clientHost: '/x', closed: gone.signal } as Session)
  const header = { correlationId: 1, clientId: null }
  const frame = Buffer.concat(requestFrame(metadata, 12, header, { topics: null }))
  expect(await dispatcher.dispatch(frame.subarray(4), session)).toBeNull()
  expect(given).toBe(at)
})
