import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { KafkajsLoad } from '../../crash/kafkajs-load.ts'
import { crashSettings, createCrashTopics } from '../../crash/loop.ts'
import { freePort } from './free-port.ts'
import { compile, startJava } from './kafka/java.ts'
import { javaTools, mainClassOf } from './kafka/tools.ts'
import { isLongForm } from './long-form.ts'
import { OdradekNode } from './mixed/odradek-node.ts'
import { Seen } from './mixed/seen.ts'
import { asker } from './process.ts'
import type { Settings } from './targets.ts'

const controllerId = 3000
const brokerIds = [1, 2]
const rounds = isLongForm ? 10 : 1
const answerMsMax = 200_000
/** Short, so that a broker that was killed is soon registered again. */
const sessionMs = 3_000

/**
 * A controller and two brokers, each a process with a server.properties of its own, under Java's
 * and kafkajs's producers, a group, and topics that come and go.
 */
describe.skipIf(inject('javaMissing') !== null)('a cluster of three processes', () => {
  const nodes = new Map<number, OdradekNode>()
  const ports = new Map<number, number>()
  let bootstrap = ''

  beforeAll(async () => {
    const ids = [controllerId, ...brokerIds]
    for (const id of ids) ports.set(id, await freePort())
    const at = (id: number) => `127.0.0.1:${ports.get(id)}`
    const common: Settings = {
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'controller.quorum.bootstrap.servers': at(controllerId),
      'broker.session.timeout.ms': sessionMs,
      'broker.heartbeat.interval.ms': 500,
      'offsets.topic.replication.factor': 1,
      'odradek.join.cordoned': false,
      ...crashSettings,
    }
    for (const id of ids) {
      const own: Settings =
        id === controllerId
          ? { 'process.roles': 'controller', listeners: `CONTROLLER://${at(id)}` }
          : { 'process.roles': 'broker', listeners: `PLAINTEXT://${at(id)}` }
      nodes.set(id, new OdradekNode({ ...common, ...own, 'node.id': id }))
    }
    for (const node of nodes.values()) await node.start()
    bootstrap = brokerIds.map(at).join()
    for (const id of brokerIds) await new Seen(ports.get(id)!).unfenced(id)
  })
  afterAll(async () => {
    for (const node of nodes.values()) await node.close()
  })

  test('nothing acknowledged is lost when each of them is killed in turn', {
    timeout: isLongForm ? 1_800_000 : 180_000,
  }, async () => {
    await createCrashTopics(bootstrap)
    const java = startJava(mainClassOf('crash-load'), [bootstrap], {
      extra: [await compile()],
      jvm: ['-Xmx512m', '-XX:+UseSerialGC'],
    })
    const tell = (line: string) => java.child.stdin?.write(`${line}\n`)
    const load = new KafkajsLoad(bootstrap, (n, offset) => tell(`ack ${n % 2} ${n} ${offset}`))
    try {
      const ask = asker<'check' | 'full' | 'finish'>(java, answerMsMax)
      await load.start()
      let acknowledged = 0
      for (let round = 0; round < rounds; round++) {
        for (const node of nodes.values()) {
          await node.kill9()
          await node.start()
          load.check()
          const [soFar = 0] = await ask(round % 3 === 2 ? 'full' : 'check')
          expect(soFar).toBeGreaterThan(acknowledged)
          acknowledged = soFar
        }
      }
      await load.stop()
      const [inAll = 0, read = 0, commits = 0] = await ask('finish')
      process.stderr.write(
        `  ${rounds * nodes.size} kills: ${inAll} acknowledged, ${read} read, ${commits} commits\n`,
      )
      expect(inAll).toBeGreaterThan(1_000)
      expect(read).toBeGreaterThan(1_000)
      expect(commits).toBeGreaterThan(0)
    } finally {
      load.abandon()
      await java.kill('SIGKILL')
    }
    const args = ['--bootstrap-server', bootstrap, 'describe', '--replication']
    const quorum = await (await javaTools()).ask('metadata-quorum', args)
    expect(quorum).toMatch(/^3000\s.*Leader/m)
    for (const id of brokerIds) {
      expect(quorum).toMatch(new RegExp(`^${id}\\s.*Observer`, 'm'))
      const leaders = (await new Seen(ports.get(id)!).live()).toSorted()
      expect(leaders).toEqual(brokerIds)
    }
  })
})
