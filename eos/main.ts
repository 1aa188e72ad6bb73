import { parseArgs } from 'node:util'
import { needKafka } from '../test/compat/kafka/jars.ts'
import { exitAfter } from '../test/compat/process.ts'
import { eosLoop } from './loop.ts'

const help = `npm run eos -- [flags]     kill -9 of the built command and of a Kafka Streams application
  --kills N        kills, of the broker and of the application together (50)
  --seed N         throws the same dice again: who is killed, and when (random)
  --guarantee G    at_least_once shows what the judge says when something is wrong (exactly_once_v2)
  ODRADEK_COMPAT_TARGET=kafka does it to Apache Kafka.`

const { values: flags } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string' },
    guarantee: { type: 'string', default: 'exactly_once_v2' },
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
  console.log(`seed ${seed}`)
  const startedMs = performance.now()
  const found = await eosLoop({
    ...{ kills: Number(flags.kills), seed, guarantee: flags.guarantee },
    say: (line) => console.log(line),
  })
  const seconds = (performance.now() - startedMs) / 1000
  console.log(
    `seed ${seed}: ${found.killsOfBroker} kills of the broker, ${found.killsOfApp} of the application ` +
      `(${found.restores} with its state), ${found.sent} records sent, ${found.counts} counts, ` +
      `${found.joins} joins, ${found.totals} totals, all exact, in ${seconds.toFixed(0)} s`,
  )
}

exitAfter(main())
