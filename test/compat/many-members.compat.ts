import { beforeAll, describe, expect, inject, test } from 'vitest'
import { compile } from './kafka/java.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import { isLongForm } from './long-form.ts'
import { javaMembers, librdkafkaMissing, Members, pythonMembers } from './members.ts'
import { startBroker, type Target, targetName } from './targets.ts'

const refresh = 'topic.metadata.refresh.interval.ms=1000'
const strategies = 'partition.assignment.strategy=org.apache.kafka.clients.consumer.'
/** Time after which hanging members are fenced; tests wait for it. */
const session = 'session.timeout.ms=6000'
const heartbeat = 'heartbeat.interval.ms=1000'
const freshness = 'metadata.max.age.ms=1000'
const protocols = {
  java: {
    eager: [`${strategies}RangeAssignor`, freshness, session, heartbeat],
    cooperative: [`${strategies}CooperativeStickyAssignor`, freshness, session, heartbeat],
    'next-generation': ['group.protocol=consumer', freshness],
    static: [`${strategies}CooperativeStickyAssignor`, freshness, session, heartbeat],
    'static next-generation': ['group.protocol=consumer', freshness],
  },
  librdkafka: {
    eager: ['partition.assignment.strategy=range', refresh, session, heartbeat],
    cooperative: ['partition.assignment.strategy=cooperative-sticky', refresh, session, heartbeat],
    'next-generation': ['group.protocol=consumer', refresh],
  },
} as const satisfies Record<string, Record<string, readonly string[]>>
/**
 * The last value says whether the case runs by default: each takes most of a minute, mostly
 * waiting.
 */
const cases = [
  ['java', 'eager', 10, true],
  ['java', 'cooperative', 10, false],
  ['java', 'next-generation', 10, false],
  ['java', 'static', 10, true],
  ['java', 'static next-generation', 10, false],
  ['java', 'cooperative', 100, false],
  ['java', 'next-generation', 100, true],
  ['librdkafka', 'eager', 10, false],
  ['librdkafka', 'cooperative', 10, true],
  ['librdkafka', 'next-generation', 10, true],
] as const
type Client = (typeof cases)[number][0]
const runnable = cases.filter(
  ([client, , , byDefault]) =>
    (isLongForm || byDefault) && (client === 'java' || !librdkafkaMissing()),
)

/** Time within which any change must settle, on a busy machine too. */
const settleMs = 90_000

const brokerSettings = {
  'group.initial.rebalance.delay.ms': 500,
  'group.consumer.min.session.timeout.ms': 5000,
  'group.consumer.session.timeout.ms': 6000,
  'group.consumer.min.heartbeat.interval.ms': 500,
  'group.consumer.heartbeat.interval.ms': 500,
  'group.consumer.assignment.interval.ms': 0,
  'group.consumer.regex.refresh.interval.ms': 10_000,
  'offsets.topic.num.partitions': 5,
}

async function until(what: () => boolean | Promise<boolean>, why: () => string): Promise<void> {
  const deadline = performance.now() + settleMs
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error(why())
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/**
 * Waits until each partition has one owner and no member lacks partitions.
 * @returns the time it took.
 */
async function settled(groups: readonly Members[], partitions: number): Promise<number> {
  const start = performance.now()
  const owners = () => groups.flatMap(({ said }) => said.owned.filter(({ size }) => size > 0))
  const count = () => owners().reduce((sum, { size }) => sum + size, 0)
  const distinct = () => new Set(owners().flatMap((one) => [...one])).size
  const members = () => groups.reduce((sum, { said }) => sum + said.owned.length, 0)
  const isIt = () => count() === partitions && distinct() === partitions
  await until(
    () => isIt() && owners().length === Math.min(partitions, members()),
    () =>
      `${owners().length} of ${members()} members own ${distinct()} of ${partitions} partitions`,
  )
  return performance.now() - start
}

describe.skipIf(inject('javaMissing') !== null)(`many consumers on ${targetName}`, () => {
  let classes: string
  beforeAll(async () => {
    classes = await compile()
  })

  const title = '%s, %s, %i members: they come, die, fall silent and go; topics grow, come and go'
  const patience = { timeout: 600_000 }
  // Small groups mostly wait, so several run at once; of Apache Kafka only one.
  const together = targetName === 'odradek' ? test.concurrent : test
  together.each(runnable.filter(([, , size]) => size === 10))(title, patience, live)
  test.each(runnable.filter(([, , size]) => size > 10))(title, patience, live)

  async function live(client: Client, name: string, size: number): Promise<void> {
    const broker = await startBroker({ settings: brokerSettings })
    const started: Members[] = []
    try {
      await liveWith(broker, started, client, name, size)
    } finally {
      for (const { process } of started) await process.kill('SIGKILL')
      await broker.close()
    }
  }

  async function liveWith(
    broker: Target,
    started: Members[],
    client: Client,
    name: string,
    size: number,
  ): Promise<void> {
    const ask = async (tool: Tool, args: readonly string[], input?: string) =>
      (await javaTools()).ask(
        tool,
        ['--bootstrap-server', broker.bootstrap, ...args],
        input === undefined ? {} : { input },
      )
    const kind = `${client}-${name.replace(' ', '-')}-${size}`
    const topic = `work-${kind}`
    const group = `many-${kind}`
    // A hundred members and the broker share a machine: any of them may be slow.
    const patienceMs = size > 10 ? 12_000 : 8_000
    const partitions = size + size / 2
    await ask('topics', ['--create', '--topic', topic, '--partitions', String(partitions)])
    let sent = 0
    const produce = async (count: number) => {
      const lines = Array.from({ length: count }, (_, i) => `k${sent + i}:v\n`).join('')
      const parse = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
      await ask('console-producer', ['--topic', topic, ...parse], lines)
      sent += count
    }
    const settings = [
      `group.id=${group}`,
      `max.poll.interval.ms=${patienceMs}`,
      ...(protocols[client] as Record<string, readonly string[]>)[name]!,
    ]
    const isStatic = name.startsWith('static')
    const isNextGeneration = name.endsWith('next-generation')
    const start = (count: number) => {
      const instance = isStatic ? [`group.instance.prefix=i${started.length}`] : []
      const args = [broker.bootstrap, `${topic}.*`, ...settings, ...instance]
      const process = client === 'java' ? javaMembers(classes, args) : pythonMembers(args)
      const members = new Members(process, { isNextGeneration })
      started.push(members)
      members.tell(`join ${count}`)
      return members
    }
    const times: string[] = []
    const noted = async (what: string, groups: readonly Members[], count: number) =>
      times.push(`${what} ${((await settled(groups, count)) / 1000).toFixed(1)} s`)

    await produce(size * 20)
    const victims = size * 0.3
    const a = start(size - victims)
    await noted('first', [a], partitions)
    const b = start(victims)
    await until(
      () => b.said.owned.length === victims,
      () => `${b.said.owned.length} of ${victims} members came`,
    )
    await noted('joined', [a, b], partitions)
    await produce(size * 20)
    await b.process.kill('SIGKILL')
    await noted('killed', [a], partitions)

    const grown = partitions + size / 2
    await ask('topics', ['--alter', '--topic', topic, '--partitions', String(grown)])
    await noted('grown', [a], grown)
    await broker.kill9()
    await broker.start()
    await produce(size * 20)
    await noted('broker restarted', [a], grown)

    // The member wakes when all its partitions have other owners, and commits before it learns
    // of that.
    a.tell('stall 0')
    const silent = () => a.said.silent.get(0) ?? []
    await until(
      () => silent().length > 0 && silent().every((one) => a.said.ownerOf(one) !== 0),
      () => `a silent member had ${silent()}, and was not put out`,
    )
    const { fenced } = a.said
    a.tell('wake 0')
    await until(
      () => a.said.fenced > fenced,
      () => 'the silent member did not commit when it woke',
    )
    await noted('silent', [a], grown)

    const another = `${topic}-more`
    await ask('topics', ['--create', '--topic', another, '--partitions', '10'])
    await noted('another topic', [a], grown + 10)
    await ask('topics', ['--delete', '--topic', another])
    await noted('topic deleted', [a], grown)

    a.tell(`leave ${size * 0.4}`)
    await until(
      () => a.said.owned.length <= size * 0.3,
      () => `${a.said.owned.length} members are left`,
    )
    await noted('left', [a], grown)
    await produce(size * 5)
    let committed = 0
    await until(
      async () => {
        const said = await ask('consumer-groups', ['--describe', '--group', group])
        const rows = said.split('\n').map((line) => line.trim().split(/ +/))
        const ours = rows.filter(([of, what]) => of === group && what === topic)
        committed = ours.reduce((sum, [, , , offset]) => sum + (Number(offset) || 0), 0)
        return committed === sent
      },
      () => `committed ${committed} of ${sent}`,
    )
    expect(a.said.read + b.said.read).toBeGreaterThanOrEqual(sent)
    console.log(`${client}, ${name}, ${size} members on ${targetName}: ${times.join(', ')}`)
  }
})
