import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { RawClient } from '../server/raw-client.ts'
import { Command, listening, type Run } from './command.ts'

let dir: string
let command: Command
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'odradek-processes-'))
  command = new Command(dir)
})
afterEach(() => {
  command.kill()
  rmSync(dir, { recursive: true, force: true })
})

const start = (...more: string[]) =>
  command.run(['start', '--port', '0', '--brokers', '3', '--processes', '--data', 'd', ...more])

/** The ids of the processes, by node, as the log names them. */
const pidsOf = ({ err }: Run) =>
  new Map(
    [...err().matchAll(/a node starts node=(?:"([^"]+)"|(\S+)) pid=(\d+)/g)].map(
      ([, quoted, plain, pid]) => [quoted ?? plain!, Number(pid)],
    ),
  )

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function topicsAt(port: number): Promise<(string | null)[]> {
  const client = await RawClient.open(port)
  const { topics } = await client.request(metadata, 12, { topics: null })
  client.close()
  return topics.map(({ name }) => name)
}

describe('odradek start --processes', () => {
  test('a controller and three brokers, one cluster, one signal', async () => {
    const first = start()
    const ports = await listening(first)
    expect(new Set(ports).size).toBe(3)
    expect(first.out()).toContain('nodes 1, 2, 3')
    const pids = pidsOf(first)
    expect([...pids.keys()]).toEqual(['controller', 'broker 1', 'broker 2', 'broker 3'])
    expect([...pids.values()].every(isAlive)).toBe(true)
    const client = await RawClient.open(ports[2]!)
    const { brokers } = await client.request(metadata, 12, { topics: [] })
    const inOrder = brokers.toSorted((a, b) => a.nodeId - b.nodeId)
    expect(inOrder.map(({ port }) => port)).toEqual(ports)
    const draft = { numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] }
    const topics = [{ name: 't', ...draft }]
    const made = await client.request(createTopics, 7, { topics, timeoutMs: 10_000 })
    expect(made.topics[0]!.errorCode).toBe(0)
    client.close()
    first.child.kill('SIGINT')
    expect(await first.exit).toBe(0)
    expect([...pids.values()].some(isAlive)).toBe(false)
    // The directories are those of three brokers in one process.
    const again = command.run(['start', '--port', '0', '--brokers', '3', '--data', 'd'])
    expect(await topicsAt((await listening(again))[1]!)).toEqual(['t'])
  })

  test('lines of a node begin with its name', async () => {
    const started = start('--log-level', 'debug')
    await listening(started)
    for (const node of ['broker 1', 'broker 3']) {
      await expect.poll(started.err).toMatch(new RegExp(`^\\[${node}\\] `, 'm'))
    }
  })

  test('a node that dies is told of, and ends all of them', async () => {
    const started = start()
    await listening(started)
    const pids = pidsOf(started)
    process.kill(pids.get('broker 2')!, 'SIGKILL')
    expect(await started.exit).toBe(1)
    expect(started.err()).toContain('odradek: broker 2 has ended by SIGKILL')
    expect([...pids.values()].some(isAlive)).toBe(false)
  })

  test('nodes do not outlive the command', async () => {
    const started = start()
    await listening(started)
    const pids = pidsOf(started)
    started.child.kill('SIGKILL')
    const alive = () => [...pids.values()].filter(isAlive).length
    await expect.poll(alive, { timeout: 10_000 }).toBe(0)
  })

  test('what cannot start is told in a line', async () => {
    const taken = start()
    const [port] = await listening(taken)
    const args = ['start', '--brokers', '2', '--processes', '--memory']
    const second = command.run([...args, '--log-level', 'error', '--port', `${port}`])
    expect(await second.exit).toBe(1)
    expect(second.err().trim()).toMatch(/^odradek: broker \d: .*EADDRINUSE|already/)
    const alone = command.run(['start', '--processes', '--memory'])
    expect(await alone.exit).toBe(2)
    const secured = command.run([
      ...[...args, '--port', '0', '--set'],
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    ])
    expect(await secured.exit).toBe(1)
    expect(secured.err()).toContain('authorizer.class.name')
  })
})
