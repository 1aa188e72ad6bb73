import { once } from 'node:events'
import { commandClock } from '../../base/clock.ts'
import { lineLogger } from '../../base/logger.ts'
import { systemRandom } from '../../base/random.ts'
import { NodeDialer } from '../../channel/node-dialer.ts'
import { TcpCarrier } from '../../channel/tcp-carrier.ts'
import type { MetadataRooms } from './metadata.ts'

/** The network and the output of this process. */
export function processRooms(): MetadataRooms {
  const clock = commandClock
  const random = systemRandom
  return {
    ...{ clock, random, carrier: new TcpCarrier({ dialer: new NodeDialer(), clock, random }) },
    logger: lineLogger('info', clock.nowMs, (line) => process.stderr.write(line)),
    async write(text) {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain')
    },
  }
}
