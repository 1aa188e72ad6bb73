import { systemClock } from '../base/clock.ts'
import { lineLogger } from '../base/logger.ts'
import { Broker } from '../server/broker.ts'
import type { FromNode, ToNode } from './node-messages.ts'
import { startFault } from './start-fault.ts'

/**
 * Runs one node of several for the process that has started this one: until it says `stop`, or is
 * gone. Signals are left to that process, which gets those of a terminal as well.
 */
export function runNode(): void {
  const tell = (message: FromNode) => process.send?.(message)
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  process.on('disconnect', () => process.exit(1))
  let isAsked = false
  let broker: Promise<Broker> | null = null
  const stop = async () => {
    if (broker !== null) await (await broker).stop()
    process.exit(0)
  }
  process.on('message', (message: ToNode) => {
    if (message.kind === 'stop') {
      isAsked = true
      stop().catch(() => process.exit(1))
      return
    }
    if (message.kind === 'meet') {
      void broker?.then((one) => one.sees(message.brokerIds)).then(() => tell({ kind: 'met' }))
      return
    }
    const { options, logLevel } = message
    const write = (line: string) => process.stderr.write(line)
    const logger = lineLogger(logLevel, systemClock.nowMs, write)
    broker = Broker.start({ ...options, logger, onHalt: () => process.exit(1) })
    broker.then(
      ({ listeners, clusterId, dataDirs }) =>
        tell({ kind: 'started', listeners, clusterId, dataDirs }),
      (error: unknown) => {
        if (isAsked) process.exit(0)
        process.send?.({ kind: 'refused', why: startFault(error) }, () => process.exit(1))
      },
    )
  })
}
