import { compile } from '../test/compat/kafka/java.ts'
import { javaMembers, Members } from '../test/compat/members.ts'
import { createTopic } from './load.ts'
import { cpuSecondsInAll, sleep } from './measure.ts'
import type { Table } from './report.ts'
import { Sheet } from './sheet.ts'
import { inTurn, Measured, type Side } from './target.ts'

const memberCount = 100
const partitions = 200
const settleMsMax = 120_000

/** Settings of the members; the brokers use Kafka's defaults. */
const protocols: Readonly<Record<string, readonly string[]>> = {
  classic: [
    'partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
  ],
  'next-generation': ['group.protocol=consumer'],
}

/**
 * Measures how long a hundred Java consumers, joining in turn, take until each partition has an
 * owner.
 */
export async function measureGroups(
  rounds: number,
  names: readonly Side[],
  say: (line: string) => void,
): Promise<Table> {
  const sheet = new Sheet()
  const classes = await compile()
  const targets = names.map((name) => new Measured(name))
  try {
    for (const target of targets) {
      await target.start()
      await createTopic(target, 'shared', partitions)
    }
    // The first round warms the brokers up.
    for (let round = -1; round < rounds; round++) {
      for (const target of inTurn(targets, round)) {
        for (const [protocol, settings] of Object.entries(protocols)) {
          say(`${memberCount} members, ${protocol}, ${round + 1}/${rounds}: ${target.side}`)
          const group = `group.id=${protocol}-${round}`
          const args = [target.bootstrap, 'shared', group, ...settings]
          const isNextGeneration = protocol === 'next-generation'
          const members = new Members(javaMembers(classes, args), { isNextGeneration })
          const found = await settle(members, target)
          if (round < 0) continue
          const what = `${memberCount} members join, ${protocol}`
          sheet.note(target.side, `${what}, start of their process to settled`, 's', found.seconds)
          sheet.note(target.side, `${what}, broker CPU`, 's', found.cpu)
        }
      }
    }
  } finally {
    for (const target of targets) await target.close()
  }
  return sheet.table(
    `${memberCount} Java consumers of ${partitions} partitions join, in one process`,
  )
}

async function settle(
  members: Members,
  target: Measured,
): Promise<{ seconds: number; cpu: number }> {
  try {
    const before = cpuSecondsInAll(target.pid)
    members.tell(`join ${memberCount}`)
    const start = performance.now()
    for (; ; await sleep(10)) {
      const { owned } = members.said
      const all = owned.flatMap((one) => [...one])
      const isDone = all.length === partitions && new Set(all).size === partitions
      const share = partitions / memberCount
      if (isDone && owned.filter(({ size }) => size === share).length === memberCount) break
      if (performance.now() - start > settleMsMax) throw new Error('the group does not settle')
    }
    return {
      seconds: (performance.now() - members.process.startedAtMs) / 1000,
      cpu: cpuSecondsInAll(target.pid) - before,
    }
  } finally {
    await members.process.kill('SIGKILL')
  }
}
