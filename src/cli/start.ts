import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { lineLogger } from '../base/logger.ts'
import { Broker } from '../server/broker.ts'
import { parseProperties } from '../server/config/properties.ts'
import { isOperatorError } from '../server/operator-error.ts'
import type { StartArguments } from './arguments.ts'

const dataDirDefault = 'odradek-data'
const portDefault = 9092

/** `odradek start`: runs until a signal; every failure to start is one line and exit code 1. */
export async function runStart(args: StartArguments): Promise<void> {
  const logger = lineLogger(args.logLevel, systemClock.nowMs, (line) => process.stderr.write(line))
  let broker: Broker
  try {
    broker = await Broker.start({ ...optionsOf(args), logger, onHalt: () => process.exit(1) })
  } catch (error) {
    const { code, message, stack } = error as NodeJS.ErrnoException
    const known = isOperatorError(error) || typeof code === 'string'
    process.stderr.write(`odradek: ${known ? message : (stack ?? message)}\n`)
    process.exitCode = 1
    return
  }
  // Whoever reads the line below may send a signal at once.
  const stopped = untilSignal(broker)
  announce(broker, args)
  await stopped
}

function optionsOf(args: StartArguments) {
  const fromFile =
    args.configFile === null ? null : parseProperties(readFileSync(args.configFile, 'utf8'))
  const settings = Object.fromEntries([...(fromFile ?? []), ...args.set])
  const hasListeners = 'listeners' in settings
  const hasDirs = 'log.dirs' in settings || 'log.dir' in settings
  const listens = args.port !== null || args.host !== null || !hasListeners
  const stores = args.dataDir !== null || !hasDirs
  return {
    settings,
    brokers: args.brokers,
    memory: args.memory,
    ...(listens ? { port: args.port ?? portDefault, host: args.host ?? '127.0.0.1' } : {}),
    ...(stores && !args.memory ? { dataDir: resolve(args.dataDir ?? dataDirDefault) } : {}),
  }
}

function announce(broker: Broker, args: StartArguments): void {
  const listeners = broker.brokers.flatMap((one) => one.listeners)
  const addresses = listeners.map(({ host, port }) => `${host}:${port}`).join(', ')
  const data = args.memory ? 'in memory' : broker.dataDirs.join(', ')
  const ids = broker.brokers.map(({ brokerId }) => brokerId)
  const who = ids.length === 1 ? `node ${ids[0]}` : `nodes ${ids.join(', ')}`
  process.stdout.write(
    `odradek listening on ${addresses} (${who}, cluster ${broker.clusterId}, data ${data})\n`,
  )
  process.stdout.write(hint(broker.address))
}

function hint(address: string): string {
  return [
    'Produce to it with any Kafka client, for instance:',
    `  echo hello | kcat -P -b ${address} -t first`,
    `  kcat -C -b ${address} -t first -o beginning -e`,
    '',
  ].join('\n')
}

/** The first signal stops in order, a second one at once. */
function untilSignal(broker: Broker): Promise<void> {
  return new Promise((done) => {
    let stopping = false
    const onSignal = (signal: NodeJS.Signals) => {
      if (stopping) process.exit(130)
      stopping = true
      process.stderr.write(`odradek: ${signal}, stopping; once more stops at once\n`)
      broker.stop().then(
        () => process.exit(0),
        (error: Error) => {
          process.stderr.write(`odradek: could not stop in order: ${error.message}\n`)
          process.exit(1)
        },
      )
      done()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}
