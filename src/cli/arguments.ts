import { parseArgs } from 'node:util'
import { type LogLevel, logLevels } from '../base/logger.ts'
import type { NodeAddress } from '../channel/channel.ts'
import { parseNodeAddress } from '../channel/node-addresses.ts'
import { BadUsage } from './bad-usage.ts'

export interface StartArguments {
  readonly port: number | null
  readonly host: string | null
  readonly dataDir: string | null
  readonly memory: boolean
  readonly brokers: number
  /** Each node in a process of its own. */
  readonly processes: boolean
  readonly configFile: string | null
  readonly set: ReadonlyMap<string, string>
  readonly logLevel: LogLevel
}

export interface DecodeArguments {
  /** null for standard input. */
  readonly file: string | null
  readonly json: boolean
  /** Name and version of the responses in the input, as in `Fetch:12`; null for requests. */
  readonly response: string | null
}

export interface MetadataArguments {
  /** Addresses `host:port` of controllers. */
  readonly addresses: readonly NodeAddress[]
  readonly follow: boolean
  readonly image: boolean
  readonly json: boolean
  /** The properties of a client; null without any. */
  readonly configFile: string | null
}

export const usage = `odradek: a Kafka broker in one npm install

  odradek start [--port N] [--host H] [--data DIR | --memory]
                [--brokers N [--processes]]
                [--config server.properties] [--set KEY=VALUE]...
                [--log-level debug|info|warn|error|silent]
  odradek format (--config server.properties | --data DIR) [--cluster-id ID] [--standalone]
                 [--release-version V] [--feature NAME=LEVEL]... [--add-scram USER]...
                 [--ignore-formatted]
  odradek decode [FILE] [--json] [--response API:VERSION]
  odradek metadata HOST:PORT[,HOST:PORT]... [--follow | --image] [--json]
                   [--command-config client.properties]
  odradek --version
  odradek --help

  --port N        0 picks a free one (default 9092)
  --host H        where to listen (default 127.0.0.1; localhost opens IPv4 and IPv6)
  --data DIR      where the data lives (default ./odradek-data)
  --memory        nothing touches the disk
  --brokers N     N brokers and a controller in this process, on ports counting up from --port,
                  each with a directory of its own in --data (default 1)
  --processes     each of them, and the controller, in a process of its own, for more than one core;
                  the controller listens on the port after theirs, for this machine only
  --config FILE   a server.properties of Apache Kafka, as it stands; unknown names are ignored
  --set KEY=VALUE one broker setting of Kafka's; may be repeated, wins over the file

  format does what kafka-storage format does, with the same flags: a directory that is started
  without it is formatted with what this release begins with.

  decode prints Kafka's bytes as fields: a capture (pcap, pcapng), a .log or .checkpoint file of a
  data directory, or frames as hex or bytes; without FILE from standard input.
  --json          an object a line
  --response A:V  the frames are responses of this request, by name or key, in this version

  metadata prints the records of the metadata log of a cluster, also one of Apache Kafka, as fields:
  from its newest snapshot to its committed end. It asks the controllers at these addresses.
  --follow        goes on with each record that is committed
  --image         prints the state at the end instead, as the records of a snapshot
  --json          an object a line
  --command-config FILE  how to connect: security.protocol, sasl.* and ssl.* of a client of Kafka
`

/** @throws BadUsage */
export function parseStart(args: readonly string[]): StartArguments {
  const { values, positionals } = parse(args)
  if (positionals.length > 0) throw new BadUsage(`unexpected argument "${positionals[0]}"`)
  if (values.memory === true && values.data !== undefined) {
    throw new BadUsage('--data and --memory exclude each other')
  }
  for (const [flag, what] of [
    ['data', 'a directory'],
    ['host', 'a host name or an address'],
    ['config', 'a file'],
  ] as const) {
    if (values[flag]?.trim() === '') throw new BadUsage(`--${flag} must name ${what}`)
  }
  const logLevel = values['log-level'] ?? 'info'
  if (!logLevels.includes(logLevel as LogLevel)) {
    throw new BadUsage(`--log-level must be one of ${logLevels.join(', ')}, not "${logLevel}"`)
  }
  const brokers = values.brokers === undefined ? 1 : parseBrokers(values.brokers)
  const processes = values.processes ?? false
  if (processes && brokers === 1) throw new BadUsage('--processes needs several --brokers')
  return {
    port: values.port === undefined ? null : parsePort(values.port),
    host: values.host ?? null,
    dataDir: values.data ?? null,
    memory: values.memory ?? false,
    ...{ brokers, processes },
    configFile: values.config ?? null,
    set: new Map((values.set ?? []).map(parsePair)),
    logLevel: logLevel as LogLevel,
  }
}

/** @throws BadUsage */
export function parseDecode(args: readonly string[]): DecodeArguments {
  const { values, positionals } = orBadUsage(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, response: { type: 'string' } },
    }),
  )
  if (positionals.length > 1) throw new BadUsage(`unexpected argument "${positionals[1]}"`)
  const [file = '-'] = positionals
  return {
    file: file === '-' ? null : file,
    json: values.json,
    response: values.response ?? null,
  }
}

/** @throws BadUsage */
export function parseMetadata(args: readonly string[]): MetadataArguments {
  const { values, positionals } = orBadUsage(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        follow: { type: 'boolean', default: false },
        image: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        'command-config': { type: 'string' },
      },
    }),
  )
  const [list, unexpected] = positionals
  if (list === undefined) throw new BadUsage('metadata needs HOST:PORT of a controller')
  if (unexpected !== undefined) throw new BadUsage(`unexpected argument "${unexpected}"`)
  if (values.follow && values.image) throw new BadUsage('--follow and --image exclude each other')
  const addresses = list.split(',').map((text) => {
    const address = parseNodeAddress(text)
    if (address === null) throw new BadUsage(`"${text}" is not HOST:PORT`)
    return address
  })
  const { follow, image, json, 'command-config': configFile = null } = values
  return { addresses, follow, image, json, configFile }
}

function orBadUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new BadUsage((error as Error).message.split('. ')[0]!)
  }
}

function parse(args: readonly string[]) {
  return orBadUsage(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        port: { type: 'string', short: 'p' },
        host: { type: 'string' },
        data: { type: 'string' },
        memory: { type: 'boolean' },
        brokers: { type: 'string' },
        processes: { type: 'boolean' },
        config: { type: 'string' },
        set: { type: 'string', multiple: true },
        'log-level': { type: 'string' },
      },
    }),
  )
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) {
    throw new BadUsage(`--port must be a number from 0 to 65535, not "${text}"`)
  }
  return port
}

function parseBrokers(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) {
    throw new BadUsage(`--brokers must be a whole number from 1 on, not "${text}"`)
  }
  return Number(text)
}

function parsePair(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new BadUsage(`--set must be KEY=VALUE, not "${text}"`)
  return [text.slice(0, at), text.slice(at + 1)]
}
