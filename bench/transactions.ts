import { compile, startJava } from '../test/compat/kafka/java.ts'
import { createTopic, withCpu } from './load.ts'
import type { Table } from './report.ts'
import { Sheet } from './sheet.ts'
import { inTurn, Measured, type Side } from './target.ts'

/** Records per transaction. */
const sizes = [1, 100, 10_000]
const recordBytes = 100

/** Measures one producer with consecutive transactions, on both brokers in turn. */
export async function measureTransactions(
  o: { readonly rounds: number; readonly seconds: number },
  names: readonly Side[],
  say: (line: string) => void,
): Promise<Table> {
  const sheet = new Sheet()
  const folder = await compile()
  const targets = names.map((name) => new Measured(name))
  try {
    for (const target of targets) await target.start()
    for (let round = 0; round < o.rounds; round++) {
      for (const target of inTurn(targets, round)) {
        for (const records of sizes) {
          say(`transactions of ${records} ${round + 1}/${o.rounds}: ${target.side}`)
          const topic = `transactions-${records}-${round}`
          await createTopic(target, topic, 1)
          const args = ['rate', target.bootstrap, topic, String(records), String(o.seconds)]
          const { result, cpu } = await withCpu(target, 1e9, async () => {
            const program = startJava('Transactions', args, {
              extra: [folder],
              jvm: ['-Xmx512m', '-XX:+UseG1GC'],
            })
            const { code, stdout } = await program.end(120_000)
            if (code !== 0) throw new Error(program.describe())
            return Number(stdout)
          })
          const mark = records === 1 ? '1 record' : `${records.toLocaleString('en')} records`
          sheet.note(target.side, `transactions of ${mark}`, '1/s', result)
          const count = result * o.seconds * 1.5
          const cpuMs = ((cpu.user + cpu.system) * 1000) / count
          sheet.note(target.side, `broker CPU for one of ${mark}`, 'ms', cpuMs)
        }
      }
    }
  } finally {
    for (const target of targets) await target.close()
  }
  return sheet.table(`Transactions of ${recordBytes} B records, one after the other, one partition`)
}
