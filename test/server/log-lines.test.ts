import { afterEach, describe, expect, test, vi } from 'vitest'
import { guardedLogger, type LogFields, type Logger } from '../../src/base/logger.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { Broker } from '../../src/server/broker.ts'
import { RawClient } from './raw-client.ts'

/** A logger that keeps its lines as `LEVEL message`, with the fields. */
function kept() {
  const lines: { readonly text: string; readonly fields: LogFields }[] = []
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ text: `${level} ${message}`, fields })
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
  return { logger, lines }
}

afterEach(() => vi.restoreAllMocks())

describe('what the broker says in its log', () => {
  test.each([
    ['the client speaks TLS, on a listener without it', Buffer.from([0x16, 3, 1, 2, 0, 1])],
    ['the client speaks HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['the client speaks the PROXY protocol', Buffer.from('PROXY TCP4 ')],
    ['a frame of -1 bytes', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a frame of 2147483647 bytes, the most is 104857600', Buffer.from([0x7f, 0xff, 0xff, 0xff])],
  ])('bytes that are no request: %s', async (why, bytes) => {
    const { logger, lines } = kept()
    const broker = await Broker.start({ port: 0, memory: true, logger })
    const client = await RawClient.open(broker.port)
    client.socket.write(bytes)
    expect(await client.nextFrame()).toBeNull()
    const warned = lines.filter(({ text }) => text.startsWith('warn '))
    expect(warned).toEqual([
      {
        text: `warn a connection is closed: ${why}`,
        fields: { client: '/127.0.0.1', listener: 'PLAINTEXT' },
      },
    ])
    await broker.stop()
  })

  test('a removed version: once for each request, version and client software', async () => {
    const { logger, lines } = kept()
    const broker = await Broker.start({ port: 0, memory: true, logger })
    // Produce v0 of a client without a software name, three times, and Fetch v1 once.
    for (const [key, version] of [
      [0, 0],
      [0, 0],
      [1, 1],
      [0, 0],
      [999, 3],
    ] as const) {
      const client = await RawClient.open(broker.port)
      const frame = Buffer.alloc(4 + 14)
      frame.writeInt32BE(14, 0)
      frame.writeInt16BE(key, 4)
      frame.writeInt16BE(version, 6)
      frame.writeInt16BE(3, 12)
      frame.write('old', 14)
      client.socket.write(frame)
      expect(await client.nextFrame()).toBeNull()
    }
    const named = await RawClient.open(broker.port)
    await named.request(apiVersions, 3, {
      clientSoftwareName: 'sarama',
      clientSoftwareVersion: '1.2',
    })
    named.socket.write(Buffer.from([0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff]))
    expect(await named.nextFrame()).toBeNull()
    const said = lines.filter(({ text }) => text.startsWith('warn a connection is closed'))
    expect(said.map(({ fields: { host: _, ...fields } }) => fields)).toEqual([
      { request: 'Produce', version: 0, served: '3-13', software: 'unknown', client: 'old' },
      { request: 'Fetch', version: 1, served: '4-18', software: 'unknown', client: 'old' },
      { request: '999', version: 3, served: 'none', software: 'unknown', client: 'old' },
      { request: 'Produce', version: 0, served: '3-13', software: 'sarama 1.2', client: null },
    ])
    await broker.stop()
  })

  test('a refused topic, at INFO, with what helps against a factor that is too high', async () => {
    const { logger, lines } = kept()
    const broker = await Broker.start({ port: 0, memory: true, logger })
    const client = await RawClient.open(broker.port)
    const one = { numPartitions: 1, assignments: [], configs: [] }
    const topics = [
      { name: 'a b', replicationFactor: 1, ...one },
      { name: 'three', replicationFactor: 3, ...one },
    ]
    await client.request(createTopics, 5, { topics })
    client.close()
    await broker.stop()
    const said = lines.filter(({ text }) => /topic was not created|capped/.test(text))
    expect(said.map(({ text, fields }) => [text, fields.topic, fields.error])).toEqual([
      ['info a topic was not created', 'a b', 'INVALID_TOPIC_EXCEPTION'],
      ['info a topic was not created', 'three', 'INVALID_REPLICATION_FACTOR'],
      [
        expect.stringMatching(/^info odradek\.replication\.factor\.capped=true/),
        undefined,
        undefined,
      ],
    ])
  })
})

test('a request for many topics that are refused has a few lines in the log', async () => {
  const { logger, lines } = kept()
  const broker = await Broker.start({ port: 0, memory: true, logger })
  const client = await RawClient.open(broker.port)
  const one = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const topics = Array.from({ length: 1_000 }, (_, i) => ({ name: `bad name ${i}`, ...one }))
  await client.request(createTopics, 5, { topics })
  client.close()
  await broker.stop()
  const said = lines.filter(({ text }) => /not created/.test(text))
  expect(said).toHaveLength(11)
  expect(said.at(-1)).toMatchObject({ fields: { topics: 990 } })
})

describe('a logger that fails', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('planted')
      },
    ],
    ['rejects', () => Promise.reject(new Error('planted'))],
  ])('and %s ends nothing, and is said once', async (_, fail) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const logger = { debug: fail, info: fail, warn: fail, error: fail } as unknown as Logger
    const broker = await Broker.start({ port: 0, memory: true, logger })
    const client = await RawClient.open(broker.port)
    const topic = {
      name: 'a b',
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }
    for (let i = 0; i < 3; i++) await client.request(createTopics, 5, { topics: [topic] })
    expect((await client.request(apiVersions, 0, {})).errorCode).toBe(0)
    client.close()
    await broker.stop()
    expect(warned.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringMatching(
        /^the logger given to a broker has failed; the broker goes on: Error: planted/,
      ),
    ])
  })

  test('its level is passed on, both ways', () => {
    const { logger } = kept()
    logger.level = 'info'
    const guarded = guardedLogger(logger, () => {})
    guarded.level = 'debug'
    expect([guarded.level, logger.level]).toEqual(['debug', 'debug'])
    expect(guardedLogger(kept().logger, () => {}).level).toBeUndefined()
  })

  test('a level that cannot be read, or altered, is told of and none', () => {
    const failed = vi.fn()
    let isBroken = false
    const { logger } = kept()
    const fragile = Object.defineProperty({ ...logger }, 'level', {
      get: () => {
        if (isBroken) throw new Error('planted')
        return 'info'
      },
    })
    const guarded = guardedLogger(fragile, failed)
    guarded.level = 'debug'
    isBroken = true
    expect(guarded.level).toBeUndefined()
    expect(guardedLogger(fragile, failed).level).toBeUndefined()
    expect(failed).toHaveBeenCalledTimes(2)
  })
})

describe('options of Broker.start', () => {
  test.each([
    [{ prot: 1 }, 'unknown option prot; did you mean port?'],
    [{ memory: true, dataDir: '/tmp/x' }, 'memory and dataDir exclude each other'],
    [{ dataDir: '' }, "dataDir must be the path of a directory, and not empty, not ''"],
    [{ port: 70_000 }, 'port must be a whole number from 0 to 65535, not 70000'],
    [{ port: '9092' }, "port must be a whole number from 0 to 65535, not '9092'"],
    [{ host: '' }, 'host must be'],
    [{ brokers: 0 }, 'brokers must be a whole number from 1 to 32, not 0'],
    [{ logger: () => {} }, 'logger must be an object with the functions'],
    [{ onHalt: 'exit' }, "onHalt must be a function, not 'exit'"],
    [{ onHalt: null }, 'onHalt must be a function, not null'],
    [{ clock: {} }, 'clock must be a clock, not [object Object]'],
    [{ port: Object.create(null) }, 'port must be a whole number from 0 to 65535, not [object'],
    [{ dataDir: 'a\0b' }, 'dataDir must be the path of a directory'],
    [{ toString: 1 }, 'unknown option toString'],
    [{ settings: new Map([['num.partitions', 3]]) }, 'settings must be an object of names'],
    [{ settings: ['a=b'] }, 'settings must be an object of names and values'],
    [{ memory: true, settings: { 'num.partition': 3 } }, 'did you mean num.partitions?'],
  ])('%j are refused', async (options, says) => {
    await expect(Broker.start({ ...options } as object)).rejects.toThrow(says)
  })

  test('a property is ignored where it has the name of something that every object has', async () => {
    const { logger, lines } = kept()
    const properties = { toString: 'x', hasOwnProperty: 'y' }
    const broker = await Broker.start({ port: 0, memory: true, logger, properties } as object)
    await broker.stop()
    const said = lines.filter(({ text }) => text.includes('is not known and ignored'))
    expect(said.map(({ fields }) => fields.key)).toEqual(['toString', 'hasOwnProperty'])
  })

  test.each([null, 9092, [], new Map([['port', 0]]), () => {}])('%s is none', async (options) => {
    await expect(Broker.start(options as object)).rejects.toThrow('the options must be an object')
  })
})
