import { parseArgs } from 'node:util'
import {
  type Settings,
  Target,
  type TargetName,
  type TargetOptions,
} from '../test/compat/targets.ts'

/** What `--odradek-set key=value` says, as often as it is given: for our side only. */
export const ourSettings: Settings = Object.fromEntries(
  (
    parseArgs({
      options: { 'odradek-set': { type: 'string', multiple: true } },
      strict: false,
      allowPositionals: true,
    }).values['odradek-set'] ?? []
  ).map((given) => {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(String(given)) ?? []
    if (key === undefined) throw new Error(`--odradek-set takes key=value, not ${given}`)
    return [key, value!]
  }),
)

/** A broker to be measured; ours with what the command line sets. */
export function targetOf(name: TargetName, options: TargetOptions = {}): Target {
  if (name !== 'odradek') return new Target(name, options)
  return new Target(name, { ...options, settings: { ...options.settings, ...ourSettings } })
}
