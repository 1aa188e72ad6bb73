import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Settings, Target, type TargetOptions } from '../test/compat/targets.ts'

const { values: given } = parseArgs({
  options: { 'odradek-set': { type: 'string', multiple: true }, before: { type: 'string' } },
  strict: false,
  allowPositionals: true,
})
const commandBefore = typeof given.before === 'string' ? resolve(given.before) : undefined

/** The settings of `--odradek-set key=value`, which may be repeated; they apply to odradek only. */
export const ourSettings: Settings = Object.fromEntries(
  (given['odradek-set'] ?? []).map((one) => {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(String(one)) ?? []
    if (key === undefined) throw new Error(`--odradek-set takes key=value, not ${one}`)
    return [key, value!]
  }),
)

/** The brokers measured: `before` is another build of odradek, which `--before` names. */
export type Side = 'odradek' | 'before' | 'kafka'

export const sides: readonly Side[] =
  commandBefore === undefined ? ['odradek', 'kafka'] : ['odradek', 'before', 'kafka']

/** A broker to measure; odradek of either build gets the settings of the command line. */
export class Measured extends Target {
  readonly side: Side

  constructor(side: Side, options: TargetOptions = {}) {
    if (side === 'kafka') super('kafka', options)
    else {
      const settings = { ...options.settings, ...ourSettings }
      super('odradek', {
        ...options,
        settings,
        command: side === 'before' ? commandBefore : undefined,
      })
    }
    this.side = side
  }
}

/** The order of the brokers moves on by one each round, so that none always gets a warmer machine. */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  const first = round % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}
