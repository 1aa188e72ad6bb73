import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runWell } from './process.ts'
import { projectRoot } from './project-root.ts'
import { startBroker, targetName } from './targets.ts'

const python = process.env.ODRADEK_PYTHON ?? 'python3'
const isMissing = spawnSync(python, ['-c', 'import confluent_kafka']).status !== 0

test.skipIf(isMissing)(`librdkafka's transactions on ${targetName}`, async () => {
  const broker = await startBroker({ settings: { 'group.initial.rebalance.delay.ms': 0 } })
  try {
    const program = join(projectRoot, 'test', 'compat', 'python', 'transactions.py')
    const said = await runWell(python, [program, broker.bootstrap], { timeoutMs: 110_000 })
    expect(said.trim().split('\n')).toEqual([
      'committed 40 0',
      'all 60',
      'copied once each True',
      'fenced _FENCED',
    ])
  } finally {
    await broker.close()
  }
})
