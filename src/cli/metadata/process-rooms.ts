import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { commandClock } from '../../base/clock.ts'
import { messageOf } from '../../base/error-text.ts'
import { lineLogger } from '../../base/logger.ts'
import { systemRandom } from '../../base/random.ts'
import { NodeDialer } from '../../channel/node-dialer.ts'
import { readControllerSecurity } from '../../server/config/node-security.ts'
import { parseProperties } from '../../server/config/properties.ts'
import { nodeCarrier } from '../../server/node-carrier.ts'
import { isOperatorError } from '../../server/operator-error.ts'
import { TlsRenewal } from '../../server/tls-renewal.ts'
import { BadUsage } from '../bad-usage.ts'
import { nodeSettingsOf } from './command-config.ts'
import type { MetadataRooms } from './metadata.ts'

/**
 * The network and the output of this process.
 *
 * @param configFile the properties of a client; null for a connection in the clear
 * @throws (rejects) BadUsage if the file cannot be used.
 */
export async function processRooms(configFile: string | null): Promise<MetadataRooms> {
  const clock = commandClock
  const random = systemRandom
  const logger = lineLogger('info', clock.nowMs, (line) => process.stderr.write(line))
  const tlsRenewal = new TlsRenewal(logger)
  return {
    ...{ clock, random, logger },
    carrier: await orBadUsage(async () => {
      const client = configFile === null ? new Map() : parseProperties(readText(configFile))
      const rooms = { random, nowMs: clock.nowMs }
      const security = await readControllerSecurity(nodeSettingsOf(client), rooms)
      return nodeCarrier(security, { dialer: new NodeDialer(), clock, random, tlsRenewal })
    }),
    async write(text) {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain')
    },
  }
}

const readText = (file: string) => readFileSync(file, 'utf8')

async function orBadUsage<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (!isOperatorError(error) && typeof code !== 'string') throw error
    throw new BadUsage(`--command-config: ${messageOf(error)}`)
  }
}
