import type { Logger } from '../../base/logger.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { BrokerOptions } from '../broker-options.ts'
import { soleNodeDefaults } from './defaults.ts'
import { readStaticConfig } from './static-config.ts'

const memoryDir = '/odradek'

/**
 * A broker's settings from what its starter said: the defaults of a node that is alone, unless the
 * settings describe a node themselves, then the settings, then options.
 * @throws BadConfig
 */
export function brokerConfig(options: BrokerOptions, logger: Logger): BrokerSettings {
  const given = Object.entries(options.settings ?? {}).map(
    ([key, value]) => [key, String(value)] as const,
  )
  const describesNode = given.some(([key]) => key === 'process.roles')
  const values = new Map([...(describesNode ? [] : soleNodeDefaults()), ...given])
  if (options.port !== undefined || options.host !== undefined) {
    const host = options.host ?? '127.0.0.1'
    const shown = host.includes(':') ? `[${host}]` : host
    values.set('listeners', `PLAINTEXT://${shown}:${options.port ?? 9092}`)
    values.delete('advertised.listeners')
  }
  if (options.memory === true) setDir(values, memoryDir)
  else if (options.dataDir !== undefined) setDir(values, options.dataDir)
  const { settings, notBuilt } = readStaticConfig(values)
  for (const key of notBuilt) {
    logger.warn(`the setting ${key} has no effect yet`, { key })
  }
  return settings
}

function setDir(values: Map<string, string>, path: string): void {
  values.delete('log.dir')
  values.delete('metadata.log.dir')
  values.set('log.dirs', path)
}
