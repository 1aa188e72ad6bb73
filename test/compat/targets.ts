import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { getKafka } from './kafka/jars.ts'
import { startJava } from './kafka/java.ts'
import { Running } from './process.ts'
import { projectRoot } from './project-root.ts'

/**
 * Polling of a broker that has just started (`expect.poll`): Apache Kafka serves requests before
 * its partitions have leaders and its coordinators are loaded.
 */
export const soon = { timeout: 60_000, interval: 300 }

/** Broker settings by Kafka's names. */
export type Settings = Readonly<Record<string, string | number | boolean>>

export interface TargetOptions {
  /** Kept if given; otherwise a new directory that `close` removes. */
  readonly dataDir?: string | undefined
  readonly port?: number | undefined
  readonly settings?: Settings | undefined
  readonly timeoutMs?: number | undefined
  /** A folder of classes that Apache Kafka's settings name; odradek ignores it. */
  readonly classes?: string | undefined
  /** Arguments of `kafka-storage format` of Apache Kafka, besides id and file. */
  readonly formatArgs?: readonly string[] | undefined
  /** Starts both brokers with the same server.properties, which contains the settings. */
  readonly hasFile?: boolean | undefined
  /** The path of another build of odradek's command. */
  readonly command?: string | undefined
}

export type TargetName = 'odradek' | 'kafka'

/** The broker of the suites. `ODRADEK_COMPAT_TARGET=kafka` checks a suite against Apache Kafka. */
export const targetName: TargetName =
  process.env.ODRADEK_COMPAT_TARGET === 'kafka' ? 'kafka' : 'odradek'

interface Launch {
  readonly dataDir: string
  readonly port: number
  readonly settings: Settings
  readonly timeoutMs: number
  readonly classes?: string | undefined
  readonly formatArgs?: readonly string[] | undefined
  readonly hasFile: boolean
  readonly command?: string | undefined
  /** Called as soon as the process exists, so that it can be killed during its start. */
  readonly spawned: (program: Running) => void
}

/** Each resolves when clients can be served. */
const launchers: Record<TargetName, (launch: Launch) => Promise<void>> = {
  odradek: launchOdradek,
  kafka: launchKafka,
}

/** A broker in its own process, on 127.0.0.1, with its data in a directory. */
export class Target {
  readonly name: TargetName
  readonly dataDir: string
  readonly #ownsDataDir: boolean
  readonly #settings: Settings
  readonly #timeoutMs: number
  readonly #classes: string | undefined
  readonly #formatArgs: readonly string[] | undefined
  readonly #hasFile: boolean
  readonly #command: string | undefined
  #port: number
  #program: Running | undefined

  constructor(name: TargetName, options: TargetOptions) {
    this.name = name
    this.#ownsDataDir = options.dataDir === undefined
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), `${name}-`))
    this.#settings = options.settings ?? {}
    this.#timeoutMs = options.timeoutMs ?? 60_000
    this.#classes = options.classes
    this.#formatArgs = options.formatArgs
    this.#hasFile = options.hasFile ?? false
    this.#command = options.command
    this.#port = options.port ?? 0
  }

  get port(): number {
    return this.#port
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.#port}`
  }

  get pid(): number {
    return this.#program?.pid ?? -1
  }

  /** Start time of its process on the clock of `performance.now`. */
  get startedAtMs(): number {
    return this.#program?.startedAtMs ?? Number.NaN
  }

  /** Starts on its previous port, if any. Resolves when clients can be served. */
  async start(): Promise<void> {
    if (this.#port === 0) this.#port = await freePort()
    await launchers[this.name]({
      dataDir: this.dataDir,
      port: this.#port,
      settings: this.#settings,
      timeoutMs: this.#timeoutMs,
      classes: this.#classes,
      formatArgs: this.#formatArgs,
      hasFile: this.#hasFile,
      command: this.#command,
      spawned: (program) => {
        this.#program = program
      },
    })
  }

  /** Kills the process, which cannot write anything more. */
  async kill9(): Promise<void> {
    await this.#program?.kill('SIGKILL')
  }

  /** Stops normally. @returns the exit code: odradek's is 0, the JVM's 143 (SIGTERM). */
  async stop(): Promise<number | null> {
    const finished = await this.#program?.kill('SIGTERM')
    return finished?.code ?? null
  }

  /** Waits until it ends by itself. @returns the exit code. */
  async ended(timeoutMs: number): Promise<number | null> {
    return (await this.#program?.end(timeoutMs))?.code ?? null
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Kills it, and removes the data directory if it was created for it. */
  async close(): Promise<void> {
    await this.kill9()
    if (this.#ownsDataDir) rmSync(this.dataDir, { recursive: true, force: true })
  }

  /** The last output of the process since its start. */
  describe(charsMax?: number): string {
    return this.#program?.describe(charsMax) ?? 'not started'
  }
}

async function startTarget(name: TargetName, options: TargetOptions): Promise<Target> {
  const target = new Target(name, options)
  await target.start()
  return target
}

/** Starts the built command. */
export const startOdradek = (options: TargetOptions = {}) => startTarget('odradek', options)

/** Starts Apache Kafka, broker and controller in one process; formats a new directory. */
export const startKafka = (options: TargetOptions = {}) => startTarget('kafka', options)

/** Starts the broker of the suites. */
export const startBroker = (options: TargetOptions = {}) => startTarget(targetName, options)

const command = join(projectRoot, 'dist', 'cli.js')

async function launchOdradek(launch: Launch): Promise<void> {
  const { dataDir, port, settings, timeoutMs, spawned } = launch
  if (launch.hasFile) return launchWithFile(launch)
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const data = 'log.dirs' in settings ? [] : ['--data', dataDir]
  const args = [launch.command ?? command, 'start', '--port', String(port), ...data, ...set]
  const program = new Running(process.execPath, args)
  spawned(program)
  await program.until(/^odradek listening on /m, timeoutMs)
}

/** With only a server.properties, as Apache Kafka is started. */
async function launchWithFile(launch: Launch): Promise<void> {
  const configDir = mkdtempSync(join(tmpdir(), 'odradek-config-'))
  const file = join(configDir, 'server.properties')
  writeFileSync(file, kafkaProperties(launch, await freePort(), 1))
  const program = new Running(process.execPath, [command, 'start', '--config', file])
  launch.spawned(program)
  try {
    await program.until(/^odradek listening on /m, launch.timeoutMs)
  } finally {
    rmSync(configDir, { recursive: true })
  }
}

const clusterId = '5bLNs3gXQVCpHYQ1Wd0b8A'

/** Settings of a single broker, and those that keep tests short. Later ones win. */
function kafkaProperties(launch: Launch, controllerPort: number, nodeId: number): string {
  const properties: Settings = {
    'process.roles': 'broker,controller',
    'node.id': nodeId,
    'controller.quorum.voters': `${nodeId}@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${launch.port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${launch.port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': launch.dataDir,
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    ...launch.settings,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

/** JVM flags of Kafka's own start script for a broker. */
export const brokerJvm = [
  ...['-Xmx1G', '-Xms1G', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
  ...['-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent'],
  '-Djava.awt.headless=true',
]

async function launchKafka(launch: Launch): Promise<void> {
  await getKafka()
  const meta = join(launch.dataDir, 'meta.properties')
  const isNew = !existsSync(meta)
  const nodeId = isNew ? 1 : Number(/^node\.id=(\d+)/m.exec(readFileSync(meta, 'utf8'))?.[1])
  const configDir = mkdtempSync(join(tmpdir(), 'kafka-config-'))
  const properties = join(configDir, 'server.properties')
  writeFileSync(properties, kafkaProperties(launch, await freePort(), nodeId))
  if (isNew) await formatKafka(properties, clusterId, launch.formatArgs)
  const program = startJava('kafka.Kafka', [properties], {
    classes: 'server',
    jvm: brokerJvm,
    extra: launch.classes === undefined ? [] : [launch.classes],
  })
  launch.spawned(program)
  try {
    await program.until(/Kafka Server started/, launch.timeoutMs)
  } finally {
    rmSync(configDir, { recursive: true })
  }
}

/** Formats a new data directory, so that a later start does not have to. */
export async function prepareKafka(dataDir: string): Promise<void> {
  const configDir = mkdtempSync(join(tmpdir(), 'kafka-config-'))
  const properties = join(configDir, 'server.properties')
  const launch = {
    ...{ dataDir, port: 9092, settings: {}, timeoutMs: 0, hasFile: true },
    spawned: () => {},
  }
  writeFileSync(properties, kafkaProperties(launch, 9093, 1))
  await formatKafka(properties, clusterId)
  rmSync(configDir, { recursive: true })
}

/** Formats the directory in `properties`, as `kafka-storage format` does. */
async function formatKafka(
  properties: string,
  id: string,
  more: readonly string[] = [],
): Promise<void> {
  const args = ['format', '-t', id, '-c', properties, ...more]
  const program = startJava('kafka.tools.StorageTool', args, { classes: 'server' })
  const { code } = await program.end(60_000)
  if (code !== 0) throw new Error(`kafka-storage format: ${program.describe()}`)
}
