import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { compile, startJava } from './kafka/java.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import type { Running } from './process.ts'
import { soon, Target, type TargetName, targetName } from './targets.ts'

const other: TargetName = 'kafka'
const turns: readonly (readonly [TargetName, TargetName])[] =
  targetName === other
    ? [[other, other]]
    : [
        [targetName, other],
        [other, targetName],
      ]
const endings = ['stopped', 'killed'] as const
const rounds = turns.flatMap((names) => endings.map((ending) => [...names, ending] as const))

/** Another broker takes over a directory with a committed, an aborted and an open transaction. */
describe.skipIf(inject('javaMissing') !== null)('transactions change hands', () => {
  let dataDir = ''
  let broker: Target
  let leaver: Running | undefined
  afterEach(async () => {
    await leaver?.kill('SIGKILL')
    await broker?.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const open = async (name: TargetName) => {
    broker = new Target(name, {
      dataDir,
      settings: {
        // Apache Kafka may lose the markers of a transaction that it aborts during its start:
        // its partitions have no leader for a moment, and it considers them deleted.
        'transaction.abort.timed.out.transaction.cleanup.interval.ms':
          name === 'kafka' ? 10_000 : 300,
        'offsets.topic.num.partitions': 3,
        'transaction.state.log.num.partitions': 3,
      },
    })
    await broker.start()
  }
  const ask = async (tool: Tool, args: readonly string[]) =>
    (await javaTools()).ask(tool, ['--bootstrap-server', broker.bootstrap, ...args])
  const app = async (scenario: string, ...args: string[]) =>
    (await (await javaTools()).ask('transactional-app', [scenario, broker.bootstrap, ...args]))
      .trim()
      .split('\n')
  const stateOf = async (id: string) => {
    const listed = await ask('transactions', ['list'])
    return new RegExp(`^${id}\\s+\\d+\\s+\\d+\\s+(\\w+)`, 'm').exec(listed)?.[1]
  }

  const title = 'from %s to %s, %s'
  test.each(rounds)(title, { timeout: 300_000 }, async (first, second, ending) => {
    dataDir = mkdtempSync(join(tmpdir(), 'transactions-'))
    await open(first)
    await ask('topics', ['--create', '--topic', 'moved', '--partitions', '1'])
    await app('decide', 'moved', 'early')
    const args = ['open', broker.bootstrap, 'moved', 'leaver', '12000']
    leaver = startJava('Transactions', args, { extra: [await compile()] })
    await leaver.until(/open/, 30_000)
    await leaver.kill('SIGKILL')
    expect(await stateOf('leaver')).toBe('Ongoing')
    if (ending === 'killed') await broker.kill9()
    else await broker.stop()

    await open(second)
    await expect.poll(() => stateOf('early'), soon).toBe('CompleteAbort')
    await expect.poll(() => stateOf('leaver'), soon).toBe('CompleteAbort')
    const committed = ['0:k=committed by early']
    expect(await app('read', 'moved')).toEqual(committed)
    // Both producers continue: the one with the open transaction, and the one without.
    await app('decide', 'moved', 'leaver')
    await app('decide', 'moved', 'early')
    committed.push('0:k=committed by early', '0:k=committed by leaver')
    expect(await app('read', 'moved')).toEqual(committed.toSorted())
    const where = ['--topic', 'moved', '--partition', '0']
    const producers = await ask('transactions', ['describe-producers', ...where])
    if (ending === 'killed') await broker.kill9()
    else await broker.stop()

    await open(first)
    expect(await app('read', 'moved')).toEqual(committed.toSorted())
    expect(await ask('transactions', ['describe-producers', ...where])).toBe(producers)
    await app('decide', 'moved', 'late')
    expect(await app('read', 'moved')).toEqual([...committed, '0:k=committed by late'].toSorted())
  })
})
