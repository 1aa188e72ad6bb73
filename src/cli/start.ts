import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { lineLogger } from '../base/logger.ts'
import { Broker } from '../server/broker.ts'
import { parseProperties } from '../server/config/properties.ts'
import { announce } from './announcement.ts'
import type { StartArguments } from './arguments.ts'
import { startFault } from './start-fault.ts'

const dataDirDefault = 'odradek-data'
const portDefault = 9092

/** `odradek start`: runs until a signal; a failed start prints one line and exits with 1. */
export async function runStart(args: StartArguments): Promise<void> {
  const logger = lineLogger(args.logLevel, systemClock.nowMs, (line) => process.stderr.write(line))
  let broker: Broker
  try {
    broker = await Broker.start({ ...startOptions(args), logger, onHalt: () => process.exit(1) })
  } catch (error) {
    process.stderr.write(`odradek: ${startFault(error)}\n`)
    process.exitCode = 1
    return
  }
  // Installed first, since the reader of the announcement may send a signal at once.
  const stopped = untilSignal(broker)
  const { brokers, listeners, clusterId, dataDirs } = broker
  announce({
    listeners: brokers.length > 0 ? brokers.flatMap((one) => one.listeners) : listeners,
    brokerIds: brokers.map(({ brokerId }) => brokerId),
    ...{ clusterId, dataDirs },
  })
  await stopped
}

/** Returns the options of `Broker.start` that the arguments and the file of settings name. */
export function startOptions(args: StartArguments) {
  const properties = Object.fromEntries(
    args.configFile === null ? [] : parseProperties(readFileSync(args.configFile, 'utf8')),
  )
  const settings = Object.fromEntries(args.set)
  const isGiven = (key: string) => key in properties || key in settings
  const hasListeners = isGiven('listeners')
  const hasDirs = isGiven('log.dirs') || isGiven('log.dir')
  const listens = args.port !== null || args.host !== null || !hasListeners
  const stores = args.dataDir !== null || !hasDirs
  return {
    properties,
    settings,
    brokers: args.brokers,
    memory: args.memory,
    ...(listens ? { port: args.port ?? portDefault, host: args.host ?? '127.0.0.1' } : {}),
    ...(stores && !args.memory ? { dataDir: resolve(args.dataDir ?? dataDirDefault) } : {}),
  }
}

/** Stops in order on the first signal, at once on the second. */
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
