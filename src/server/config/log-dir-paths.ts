import type { BrokerSettings } from '../../metadata/config/settings.ts'

/** Returns the paths of `log.dirs`, else that of `log.dir`. */
export function logDirPaths(settings: BrokerSettings): readonly string[] {
  return settings.list(settings.isSet('log.dirs') ? 'log.dirs' : 'log.dir')
}
