import { parseArgs } from 'node:util'
import { needKafka } from '../test/compat/kafka/jars.ts'
import { javaTools } from '../test/compat/kafka/tools.ts'
import { exitAfter } from '../test/compat/process.ts'
import { crashLoop } from './loop.ts'

const help = `npm run crash -- [flags]     kill -9 of the built command under kafkajs and Java producers
  --rounds N       kills, each followed by a start and a check (200)
  --seed N         throws the same dice again: when it is killed (random)
  --full-every N   rounds from one reading of all logs from their beginning to the next (20)
  ODRADEK_COMPAT_TARGET=kafka does it to Apache Kafka.`

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string' },
    'full-every': { type: 'string', default: '20' },
    help: { type: 'boolean', default: false },
  },
})

async function main(): Promise<void> {
  if (flags.help) {
    console.log(help)
    return
  }
  await needKafka()
  const seed = Number(flags.seed ?? Math.floor(Math.random() * 2 ** 31))
  const rounds = Number(flags.rounds)
  console.log(`seed ${seed}`)
  const startedMs = performance.now()
  const fullEvery = Number(flags['full-every'])
  const found = await crashLoop({ rounds, seed, fullEvery, say: (line) => console.log(line) })
  const seconds = (performance.now() - startedMs) / 1000
  console.log(
    `seed ${seed}: ${rounds} rounds, ${found.kills} kills, ${found.acknowledged} records acknowledged, ` +
      `${found.read} read back, ${found.commits} commits, ${found.filesDumped} files dumped, ` +
      `0 lost, 0 twice, in ${seconds.toFixed(0)} s`,
  )
  await (await javaTools()).close()
}

exitAfter(main())
