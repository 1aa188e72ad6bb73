import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startJava } from './kafka/java.ts'
import { javaTools } from './kafka/tools.ts'
import type { Running } from './process.ts'
import { startBroker, type Target, targetName } from './targets.ts'

interface Event {
  readonly name: string
  readonly partitions?: readonly { topic: string; partition: number }[]
  readonly offsets?: readonly { topic: string; partition: number; offset: number }[]
  readonly count?: number
  readonly success?: boolean
}

/** `kafka-verifiable-consumer` in its own process; it prints its assignments and actions. */
class Consumer {
  readonly process: Running
  readonly #seen: Event[] = []
  #parsed = 0

  constructor(broker: Target, args: readonly string[]) {
    this.process = startJava('org.apache.kafka.tools.VerifiableConsumer', [
      ...['--bootstrap-server', broker.bootstrap, '--topic', 'work', '--verbose'],
      ...args,
    ])
  }

  get events(): readonly Event[] {
    const lines = this.process.stdout.split('\n')
    const whole = lines.slice(this.#parsed, -1)
    this.#parsed += whole.length
    for (const line of whole) if (line.startsWith('{')) this.#seen.push(JSON.parse(line) as Event)
    return this.#seen
  }

  /** The partitions that it currently owns. */
  get owned(): ReadonlySet<number> {
    const owned = new Set<number>()
    for (const { name, partitions = [] } of this.events) {
      for (const { partition } of partitions) {
        if (name === 'partitions_assigned') owned.add(partition)
        else if (name === 'partitions_revoked') owned.delete(partition)
      }
    }
    return owned
  }

  get consumed(): number {
    return this.events
      .filter(({ name }) => name === 'records_consumed')
      .reduce((sum, { count = 0 }) => sum + count, 0)
  }

  /** The committed offsets in the order of the commits. */
  get commits(): readonly { partition: number; offset: number }[] {
    return this.events
      .filter(({ name, success }) => name === 'offsets_committed' && success)
      .flatMap(({ offsets = [] }) => offsets)
  }
}

const protocols: Readonly<Record<string, readonly string[]>> = {
  eager: ['--assignment-strategy', 'org.apache.kafka.clients.consumer.RangeAssignor'],
  cooperative: [
    '--assignment-strategy',
    'org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
  ],
  'next-generation': ['--group-protocol', 'consumer'],
}

describe.skipIf(inject('javaMissing') !== null)(`Java consumers on ${targetName}`, () => {
  let broker: Target
  const all: Consumer[] = []

  beforeAll(async () => {
    broker = await startBroker({
      settings: {
        'group.initial.rebalance.delay.ms': 0,
        'group.min.session.timeout.ms': 2000,
        'group.consumer.min.session.timeout.ms': 3000,
        'group.consumer.session.timeout.ms': 3000,
        'group.consumer.min.heartbeat.interval.ms': 300,
        'group.consumer.heartbeat.interval.ms': 300,
        'group.consumer.assignment.interval.ms': 0,
      },
    })
    await (await javaTools()).ask('topics', [
      ...['--bootstrap-server', broker.bootstrap],
      ...['--create', '--topic', 'work', '--partitions', '6'],
    ])
  })

  afterAll(async () => {
    for (const { process } of all) await process.kill('SIGKILL')
    await broker?.close()
  })

  const produce = async (count: number) => {
    const input = Array.from({ length: count }, (_, i) => `k${i}:v${i}\n`).join('')
    const parse = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
    const to = ['--bootstrap-server', broker.bootstrap, '--topic', 'work', ...parse]
    await (await javaTools()).ask('console-producer', to, { input })
  }

  const until = async (what: () => boolean, why: () => string, timeoutMs = 45_000) => {
    const deadline = performance.now() + timeoutMs
    while (!what()) {
      if (performance.now() > deadline) throw new Error(why())
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  /**
   * Waits until each partition has exactly one owner, and no member lacks partitions unnecessarily.
   */
  async function settled(consumers: readonly Consumer[], partitions: number): Promise<void> {
    const owners = () => consumers.flatMap(({ owned }) => [...owned]).toSorted((a, b) => a - b)
    const wanted = Array.from({ length: partitions }, (_, i) => i).join()
    const isFair = () =>
      consumers.every(({ owned }) => owned.size >= Math.floor(partitions / consumers.length))
    const isSettled = () => owners().join() === wanted && isFair()
    await until(
      isSettled,
      () => `owners: ${consumers.map(({ owned }) => [...owned].join()).join(' | ')}`,
    )
  }

  test.each(Object.entries(protocols))(
    '%s: members come, die, leave; the broker dies; nothing is lost',
    { timeout: 180_000 },
    async (name, args) => {
      const group = ['--group-id', `g-${name}`, '--reset-policy', 'earliest']
      const isNew = name === 'next-generation'
      const session = isNew ? [] : ['--session-timeout', '6000']
      const start = () => {
        const consumer = new Consumer(broker, [...group, ...session, ...args])
        all.push(consumer)
        return consumer
      }
      const describe = await (await javaTools()).ask('topics', [
        ...['--bootstrap-server', broker.bootstrap, '--describe', '--topic', 'work'],
      ])
      const partitions = Number(/PartitionCount: (\d+)/.exec(describe)![1])
      const end = async () => {
        const said = await (await javaTools()).ask('get-offsets', [
          ...['--bootstrap-server', broker.bootstrap, '--topic', 'work'],
        ])
        return said
          .trim()
          .split('\n')
          .reduce((sum, line) => sum + Number(line.split(':')[2]), 0)
      }

      await produce(300)
      const [a, b] = [start(), start()]
      await settled([a, b], partitions)
      const c = start()
      await settled([a, b, c], partitions)
      await produce(300)
      await b.process.kill('SIGKILL')
      await settled([a, c], partitions)
      await broker.kill9()
      await broker.start()
      await produce(300)
      await settled([a, c], partitions)
      await c.process.kill('SIGTERM')
      await settled([a], partitions)
      await produce(100)

      const total = await end()
      const consumed = () => a.consumed + b.consumed + c.consumed
      await until(
        () => consumed() >= total,
        () => `${consumed()} of ${total} consumed`,
      )
      await until(
        () => newest([a, b, c]) === total,
        () => `committed ${newest([a, b, c])} of ${total}`,
      )
      for (const consumer of [a, b, c]) checkForward(consumer)
      await a.process.kill('SIGTERM')
    },
  )

  /** The sum of committed offsets over the partitions. */
  function newest(consumers: readonly Consumer[]): number {
    const offsets = new Map<number, number>()
    for (const { partition, offset } of consumers.flatMap(({ commits }) => [...commits])) {
      offsets.set(partition, Math.max(offset, offsets.get(partition) ?? 0))
    }
    return [...offsets.values()].reduce((sum, offset) => sum + offset, 0)
  }

  /** Checks that no committed offset goes back. */
  function checkForward({ commits }: Consumer): void {
    const last = new Map<number, number>()
    for (const { partition, offset } of commits) {
      expect(offset).toBeGreaterThanOrEqual(last.get(partition) ?? 0)
      last.set(partition, offset)
    }
  }
})
