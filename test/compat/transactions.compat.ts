import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import { WireClient } from './differential/wire.ts'
import { compile, startJava } from './kafka/java.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import type { Running } from './process.ts'
import { startBroker, type Target, targetName } from './targets.ts'

const settings = {
  'group.initial.rebalance.delay.ms': 0,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
  'offsets.topic.num.partitions': 3,
  'transaction.state.log.num.partitions': 3,
}

const fenced = [
  'old begins: done',
  'old sends: done',
  'fresh begins: done',
  'fresh sends: done',
  'old sends again: InvalidProducerEpochException',
  'old commits: InvalidProducerEpochException',
  'fresh commits: done',
  '0:k=of the fresh',
]

const lines = (text: string) => text.trim().split('\n')

/** The guarantees for transactional applications, on one broker and on three. */
function applications(bootstrap: () => string): void {
  const ask = async (tool: Tool, args: readonly string[], input?: string) =>
    (await javaTools()).ask(tool, args, { timeoutMs: 90_000, ...(input ? { input } : {}) })
  const create = (topic: string, partitions = 2) =>
    ask('topics', [
      ...['--bootstrap-server', bootstrap(), '--create', '--topic', topic],
      ...['--partitions', String(partitions)],
    ])
  const app = async (scenario: string, ...args: string[]) =>
    lines(await ask('transactional-app', [scenario, bootstrap(), ...args]))

  test('committed records are read, aborted ones are not', async () => {
    await create('outcomes')
    expect(await app('outcomes', 'outcomes')).toEqual([
      'read_committed 42 of which aborted 0',
      'read_uncommitted has all of these',
    ])
  })

  test('a second producer of the same id fences the first', async () => {
    await create('fence')
    expect(await app('fence', 'fence')).toEqual(fenced)
  })

  test('a transaction that takes too long is aborted, its producer fenced', async () => {
    await create('expire')
    expect(await app('expire', 'expire')).toEqual([
      'commit after the timeout: InvalidTxnStateException',
      'next begins: done',
      'next commits: done',
      '0:k=in time',
    ])
  })

  test('consume, transform, produce: each record once, whatever was aborted', async () => {
    await create('from', 3)
    await create('to', 3)
    const input = Array.from({ length: 500 }, (_, i) => `v${i}\n`).join('')
    await ask('console-producer', ['--bootstrap-server', bootstrap(), '--topic', 'from'], input)
    expect(await app('copy', 'from', 'to', 'copiers', '500')).toEqual(['copied'])
    const copied = (await app('read', 'to')).map((line) => line.replace(/^.*=/, ''))
    expect(copied.toSorted()).toEqual(lines(input).toSorted())
  })
}

describe.skipIf(inject('javaMissing') !== null)(`transactions on ${targetName}`, () => {
  let broker: Target
  const running: Running[] = []
  beforeAll(async () => {
    broker = await startBroker({ settings })
  })
  afterAll(async () => {
    for (const one of running) await one.kill('SIGKILL')
    await broker?.close()
  })

  const ask = async (tool: Tool, args: readonly string[]) =>
    (await javaTools()).ask(tool, ['--bootstrap-server', broker.bootstrap, ...args])

  applications(() => broker.bootstrap)

  test('kafka-transactions lists, describes and aborts', async () => {
    await ask('topics', ['--create', '--topic', 'left-open', '--partitions', '1'])
    const folder = await compile()
    const args = ['open', broker.bootstrap, 'left-open', 'leaver', '60000']
    const leaver = startJava('Transactions', args, { extra: [folder] })
    running.push(leaver)
    await leaver.until(/open/, 30_000)
    await leaver.kill('SIGKILL')

    const listed = lines(await ask('transactions', ['list']))
    expect(listed.find((line) => /^leaver\b/.test(line))).toMatch(/leaver\s+1\s+\d+\s+Ongoing/)
    const filtered = await ask('transactions', ['list', '--transactional-id-pattern', 'leav.*'])
    expect(lines(filtered)).toHaveLength(2)
    const long = await ask('transactions', ['list', '--duration-filter', '600000'])
    expect(long).not.toContain('leaver')
    const described = await ask('transactions', ['describe', '--transactional-id', 'leaver'])
    expect(described).toMatch(/Ongoing\s+60000\s+\d+\s+\d+\s+left-open-0/)
    const where = ['--topic', 'left-open', '--partition', '0']
    const [head, row] = lines(await ask('transactions', ['describe-producers', ...where]))
    expect(head).toMatch(/ProducerId\s+ProducerEpoch\s+LatestCoordinatorEpoch\s+LastSequence/)
    expect(row).toMatch(/^\d+\s+0\s+-1\s+0\s+\d+\s+0\s*$/)
    await ask('transactions', ['abort', ...where, '--start-offset', '0'])
    const [, after] = lines(await ask('transactions', ['describe-producers', ...where]))
    expect(after).toMatch(/None\s*$/)
  })

  test('kafka-transactions finds what nobody will ever end, and ends it', async () => {
    await ask('topics', ['--create', '--topic', 'hanging', '--partitions', '1'])
    const brokers = ['--entity-type', 'brokers', '--entity-default', '--alter']
    const verify = 'transaction.partition.verification.enable'
    await ask('configs', [...brokers, '--add-config', `${verify}=false`])
    const wire = await WireClient.start()
    const hourAgoMs = Date.now() - 3_600_000
    const records = writeBatch({
      records: [{ key: null, value: Buffer.from('x'), timestampMs: hourAgoMs }],
      producerId: 4711,
      producerEpoch: 3,
      baseSequence: 0,
      isTransactional: true,
    })
    const answer = await wire.send(
      { connection: 'hang', bootstrap: broker.bootstrap, api: 'Produce', version: 9 },
      {
        transactionalId: 'nobody',
        acks: -1,
        timeoutMs: 5_000,
        topicData: [
          { name: 'hanging', partitionData: [{ index: 0, records: records.toString('base64') }] },
        ],
      },
    )
    await wire.close()
    await ask('configs', [...brokers, '--delete-config', verify])
    expect(JSON.stringify(answer)).toContain('"errorCode":0')
    const found = await ask('transactions', ['find-hanging', '--broker-id', '1'])
    expect(found).toMatch(/hanging\s+0\s+4711\s+3\s+-1\s+0\s/)
    await ask('transactions', [
      ...['abort', '--topic', 'hanging', '--partition', '0', '--producer-id', '4711'],
      ...['--producer-epoch', '3', '--coordinator-epoch', '0'],
    ])
    const none = await ask('transactions', ['find-hanging', '--broker-id', '1'])
    expect(none).not.toContain('4711')
  })

  test('the log of transactions is what kafka-dump-log reads', async () => {
    await broker.stop()
    const { readdirSync } = await import('node:fs')
    const folders = readdirSync(broker.dataDir).filter((name) => name.startsWith('__transaction_'))
    const files = folders.map((name) => `${broker.dataDir}/${name}/00000000000000000000.log`)
    const dumped = await (await javaTools()).ask('dump-log', [
      ...['--transaction-log-decoder', '--files', files.join(',')],
    ])
    expect(dumped).toContain('"transactionalId":"outcomes"')
    expect(dumped).toContain('"clientTransactionVersion":2')
    expect(dumped).not.toMatch(/isvalid: false|Could not|exception/i)
    await broker.start()
  })
})

describe.skipIf(inject('javaMissing') !== null || targetName === 'kafka')(
  'transactions over three brokers in one process',
  () => {
    let cluster: Broker
    beforeAll(async () => {
      cluster = await Broker.start({ brokers: 3, port: 0, memory: true, settings })
    })
    afterAll(() => cluster?.stop())

    applications(() => cluster.brokers.map(({ address }) => address).join(','))
  },
)
