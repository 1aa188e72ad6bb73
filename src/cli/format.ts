import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { soleNodeDefaults } from '../server/config/defaults.ts'
import { parseProperties } from '../server/config/properties.ts'
import { readStaticConfig } from '../server/config/static-config.ts'
import { BadFormat } from '../server/format/bad-format.ts'
import { type FormatOptions, format } from '../server/format/format.ts'
import { isOperatorError } from '../server/operator-error.ts'
import { NodeDisk } from '../storage/node-disk.ts'
import { BadUsage } from './bad-usage.ts'

/** `odradek format`: works like `kafka-storage format`; exits with 1 if nothing was formatted. */
export async function runFormat(args: readonly string[]): Promise<void> {
  const values = parse(args)
  const disk = new NodeDisk()
  const rooms = { disk, clock: systemClock, random: systemRandom }
  try {
    for (const line of await format(optionsOf(values), rooms)) process.stdout.write(`${line}\n`)
  } catch (error) {
    const { code, message, stack } = error as NodeJS.ErrnoException
    const known = isOperatorError(error) || typeof code === 'string'
    process.stderr.write(`odradek: ${known ? message : (stack ?? message)}\n`)
    process.exitCode = 1
  }
}

type Values = ReturnType<typeof parse>

function optionsOf(values: Values): FormatOptions {
  const settings = settingsOf(values)
  const clusterId = values['cluster-id'] ?? randomUuid(systemRandom)
  if (!/^[\w-]{22}$/.test(clusterId)) {
    throw new BadFormat(`Cluster ID string ${clusterId} does not appear to be a valid UUID.`)
  }
  return {
    settings,
    clusterId,
    voters: votersOf(values, settings.isSet('controller.quorum.voters')),
    releaseVersion: values['release-version'] ?? null,
    features: new Map((values.feature ?? []).map(parseFeature)),
    scram: values['add-scram'] ?? [],
    ignoreFormatted: values['ignore-formatted'] ?? false,
  }
}

function settingsOf({ config, data }: Values) {
  const given = config === undefined ? [] : parseProperties(readFileSync(config, 'utf8'))
  const properties = new Map([...(config === undefined ? soleNodeDefaults() : []), ...given])
  if (data !== undefined) {
    properties.delete('log.dir')
    properties.set('log.dirs', resolve(data))
  }
  // As at a start, an unknown name in a file is not an error.
  return readStaticConfig(properties, () => false).settings
}

function votersOf(values: Values, hasStatic: boolean): FormatOptions['voters'] {
  const { standalone, 'no-initial-controllers': none, config } = values
  if (standalone === true && none === true) {
    throw new BadUsage('--standalone and --no-initial-controllers exclude each other')
  }
  if (hasStatic && (standalone === true || none === true)) {
    throw new BadFormat(
      'You cannot specify controller.quorum.voters and format the node with --standalone or ' +
        '--no-initial-controllers',
    )
  }
  if (standalone === true) return 'standalone'
  if (none === true) return 'none yet'
  if (hasStatic || config === undefined) return 'static'
  throw new BadFormat(
    'Because controller.quorum.voters is not set on this controller, you must specify one of the ' +
      'following: --standalone or --no-initial-controllers.',
  )
}

function parseFeature(text: string): [string, number] {
  const parts = /^([^=]+)=(\d+)$/.exec(text)
  if (parts === null) throw new BadUsage(`--feature must be NAME=LEVEL, not "${text}"`)
  return [parts[1]!.trim(), Number(parts[2])]
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'cluster-id': { type: 'string', short: 't' },
        config: { type: 'string', short: 'c' },
        data: { type: 'string' },
        standalone: { type: 'boolean', short: 's' },
        'no-initial-controllers': { type: 'boolean', short: 'N' },
        'release-version': { type: 'string', short: 'r' },
        feature: { type: 'string', short: 'f', multiple: true },
        'add-scram': { type: 'string', short: 'S', multiple: true },
        'ignore-formatted': { type: 'boolean', short: 'g' },
      },
    })
    if (values.config === undefined && values.data === undefined) {
      throw new BadUsage('format needs --config or --data')
    }
    return values
  } catch (error) {
    if (error instanceof BadUsage) throw error
    throw new BadUsage((error as Error).message.split('. ')[0]!)
  }
}
