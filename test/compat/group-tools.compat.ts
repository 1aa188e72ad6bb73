import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startJava } from './kafka/java.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import type { Running } from './process.ts'
import { startKafka, startOdradek, type Target } from './targets.ts'

const settings = {
  'group.initial.rebalance.delay.ms': 0,
  'group.consumer.assignment.interval.ms': 0,
  'offsets.topic.num.partitions': 3,
}

/** `kafka-consumer-groups` and `kafka-groups` print the same for groups of both brokers. */
describe.skipIf(inject('javaMissing') !== null)('the tools for groups, side by side', () => {
  let sides: readonly Target[]
  const members: Running[] = []
  const plan = join(mkdtempSync(join(tmpdir(), 'groups-')), 'plan.csv')

  beforeAll(async () => {
    sides = await Promise.all([startOdradek({ settings }), startKafka({ settings })])
    writeFileSync(plan, 'tools,0,1\ntools,1,0\n')
    const keyed = Array.from({ length: 40 }, (_, i) => `k${i}:v${i}\n`).join('')
    const parse = ['--reader-property', 'parse.key=true', '--reader-property', 'key.separator=:']
    const read = ['--topic', 'tools', '--from-beginning', '--max-messages', '40']
    for (const topic of ['tools', 'other']) {
      await onAll('topics', ['--create', '--topic', topic, '--partitions', '2'])
      await onAll('console-producer', ['--topic', topic, ...parse], keyed)
    }
    for (const group of ['idle', 'gone'])
      await onAll('console-consumer', [...read, '--group', group])
    for (const target of sides) {
      members.push(member(target, 'classic', ['--session-timeout', '45000']))
      members.push(member(target, 'modern', ['--group-protocol', 'consumer']))
    }
    for (const { until } of members.map((each) => ({ until: each.until.bind(each) }))) {
      await until(/offsets_committed/, 60_000)
    }
  })

  afterAll(async () => {
    for (const running of members) await running.kill('SIGKILL')
    await Promise.all((sides ?? []).map((target) => target.close()))
  })

  const member = (target: Target, group: string, args: readonly string[]) =>
    startJava('org.apache.kafka.tools.VerifiableConsumer', [
      ...['--bootstrap-server', target.bootstrap, '--topic', 'tools', '--group-id', group],
      ...['--reset-policy', 'earliest', ...args],
    ])

  /** Replaces random ids and column widths, and sorts lines whose order depends on hashes. */
  const plain = (text: string, { port }: Target) =>
    text
      .replaceAll(String(port), 'PORT')
      .replace(/[\w-]*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
      .replace(/(?<=\s)[\w-]{22}(?=\s)/g, 'ID')
      .split('\n')
      .map((line) => line.trim().replace(/ +/g, ' '))
      .toSorted()

  async function onAll(tool: Tool, args: readonly string[], input?: string) {
    const tools = await javaTools()
    return Promise.all(
      sides.map(async (target) => {
        const at = ['--bootstrap-server', target.bootstrap]
        const { code, stdout } = await tools.call(tool, [...at, ...args], { input })
        return { code, said: plain(stdout, target) }
      }),
    )
  }

  const idle = ['--group', 'idle']
  const views = [
    [],
    ['--offsets', '--verbose'],
    ['--members'],
    ['--members', '--verbose'],
    ['--state'],
    ['--state', '--verbose'],
  ]
  const descriptions = ['idle', 'classic', 'modern', 'absent'].flatMap((group) =>
    views.map((view): [Tool, string[]] => [
      'consumer-groups',
      ['--describe', '--group', group, ...view],
    ]),
  )
  const reset = (...how: string[]) => ['--reset-offsets', ...idle, '--topic', 'tools', ...how]

  test.each<[Tool, string[]]>([
    ['consumer-groups', ['--list']],
    ['consumer-groups', ['--list', '--state']],
    ['consumer-groups', ['--list', '--type']],
    ['consumer-groups', ['--list', '--state', 'Stable']],
    ['consumer-groups', ['--list', '--type', 'consumer']],
    ['groups', ['--list']],
    ['groups', ['--list', '--consumer']],
    ...descriptions,
    ['consumer-groups', ['--describe', '--all-groups', '--state']],
    ['consumer-groups', reset('--to-earliest', '--dry-run')],
    ['consumer-groups', reset('--to-offset', '5', '--execute')],
    ['consumer-groups', reset('--shift-by', '-2', '--execute')],
    ['consumer-groups', reset('--shift-by', '100', '--execute')],
    ['consumer-groups', reset('--to-datetime', '2020-01-01T00:00:00.000', '--execute')],
    ['consumer-groups', reset('--by-duration', 'P1D', '--execute')],
    ['consumer-groups', reset('--to-latest', '--execute')],
    ['consumer-groups', reset('--to-earliest', '--execute')],
    ['consumer-groups', reset('--to-current', '--export')],
    ['consumer-groups', ['--reset-offsets', ...idle, '--from-file', plan, '--execute']],
    [
      'consumer-groups',
      ['--reset-offsets', ...idle, '--topic', 'other:1', '--to-offset', '3', '--execute'],
    ],
    ['consumer-groups', ['--describe', ...idle]],
    [
      'consumer-groups',
      ['--reset-offsets', '--group', 'classic', '--all-topics', '--to-earliest', '--execute'],
    ],
    [
      'consumer-groups',
      ['--reset-offsets', '--group', 'modern', '--all-topics', '--to-earliest', '--execute'],
    ],
    ['consumer-groups', ['--delete-offsets', ...idle, '--topic', 'other']],
    ['consumer-groups', ['--delete-offsets', ...idle, '--topic', 'absent']],
    ['consumer-groups', ['--delete-offsets', '--group', 'classic', '--topic', 'tools']],
    ['consumer-groups', ['--delete-offsets', '--group', 'modern', '--topic', 'tools']],
    ['consumer-groups', ['--describe', ...idle]],
    ['consumer-groups', ['--delete', '--group', 'classic']],
    ['consumer-groups', ['--delete', '--group', 'absent']],
    ['consumer-groups', ['--delete', '--group', 'gone', '--group', 'idle']],
    ['consumer-groups', ['--list', '--state']],
  ])('%s %j', async (tool, args) => {
    const [ours, theirs] = await onAll(tool, args)
    expect(theirs!.said.join('')).not.toBe('')
    expect(ours).toEqual(theirs)
  })
})
