import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getKafka } from './kafka/jars.ts'
import { startJava } from './kafka/java.ts'
import { Running } from './process.ts'
import { projectRoot } from './project-root.ts'

/**
 * How a broker that has just started is asked for what it found (`expect.poll`): Apache Kafka serves before its
 * partitions have their leaders, and its logs of groups and transactions are read.
 */
export const soon = { timeout: 60_000, interval: 300 }

/** Broker settings by Kafka's names. */
export type Settings = Readonly<Record<string, string | number | boolean>>

export interface TargetOptions {
  /** Kept when given; else a new one, removed by `close`. */
  readonly dataDir?: string | undefined
  readonly port?: number | undefined
  readonly settings?: Settings | undefined
  readonly timeoutMs?: number | undefined
  /** A folder of classes that Apache Kafka's settings name; odradek has no use for it. */
  readonly classes?: string | undefined
}

export type TargetName = 'odradek' | 'kafka'

/** The broker the suites run against. `ODRADEK_COMPAT_TARGET=kafka` proves a suite on the real one. */
export const targetName: TargetName =
  process.env.ODRADEK_COMPAT_TARGET === 'kafka' ? 'kafka' : 'odradek'

interface Launch {
  readonly dataDir: string
  readonly port: number
  readonly settings: Settings
  readonly timeoutMs: number
  readonly classes?: string | undefined
  /** Told as soon as there is a process: it can be killed before it serves anybody. */
  readonly spawned: (program: Running) => void
}

/** Resolves with the port once clients can be served. */
const launchers: Record<TargetName, (launch: Launch) => Promise<number>> = {
  odradek: launchOdradek,
  kafka: launchKafka,
}

/** A broker in a process of its own, on 127.0.0.1, with its data in a directory. */
export class Target {
  readonly name: TargetName
  readonly dataDir: string
  readonly #ownsDataDir: boolean
  readonly #settings: Settings
  readonly #timeoutMs: number
  readonly #classes: string | undefined
  #port: number
  #program: Running | undefined

  constructor(name: TargetName, options: TargetOptions) {
    this.name = name
    this.#ownsDataDir = options.dataDir === undefined
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), `${name}-`))
    this.#settings = options.settings ?? {}
    this.#timeoutMs = options.timeoutMs ?? 60_000
    this.#classes = options.classes
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

  /** When its process was started, on the clock of `performance.now`. */
  get startedAtMs(): number {
    return this.#program?.startedAtMs ?? Number.NaN
  }

  /** Starts on the port it had before, if it had one. Resolves once clients can be served. */
  async start(): Promise<void> {
    this.#port = await launchers[this.name]({
      dataDir: this.dataDir,
      port: this.#port,
      settings: this.#settings,
      timeoutMs: this.#timeoutMs,
      classes: this.#classes,
      spawned: (program) => {
        this.#program = program
      },
    })
  }

  /** As the power cut does: no chance to write anything. */
  async kill9(): Promise<void> {
    await this.#program?.kill('SIGKILL')
  }

  /** The clean way. @returns the exit code: 0 is odradek's, 143 (SIGTERM) the JVM's. */
  async stop(): Promise<number | null> {
    const finished = await this.#program?.kill('SIGTERM')
    return finished?.code ?? null
  }

  /** Waits for it to end by itself. @returns the exit code. */
  async ended(timeoutMs: number): Promise<number | null> {
    return (await this.#program?.end(timeoutMs))?.code ?? null
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Ends it, however it stands, and removes the data directory if it was made for it. */
  async close(): Promise<void> {
    await this.kill9()
    if (this.#ownsDataDir) rmSync(this.dataDir, { recursive: true, force: true })
  }

  /** What the process printed since its last start; the last of it. */
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

/** Starts Apache Kafka, broker and controller in one process, its directory formatted if it is new. */
export const startKafka = (options: TargetOptions = {}) => startTarget('kafka', options)

/** Starts whichever the suites run against. */
export const startBroker = (options: TargetOptions = {}) => startTarget(targetName, options)

const command = join(projectRoot, 'dist', 'cli.js')

async function launchOdradek({
  dataDir,
  port,
  settings,
  timeoutMs,
  spawned,
}: Launch): Promise<number> {
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const data = 'log.dirs' in settings ? [] : ['--data', dataDir]
  const args = [command, 'start', '--port', String(port), ...data, ...set]
  const program = new Running(process.execPath, args)
  spawned(program)
  const [, listening] = await program.until(/^odradek listening on 127\.0\.0\.1:(\d+)/m, timeoutMs)
  return Number(listening)
}

const clusterId = '5bLNs3gXQVCpHYQ1Wd0b8A'

/** Settings a single broker needs, and those that keep tests short. Later ones win. */
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

/** What Kafka's own start script gives the JVM of a broker. */
const brokerJvm = [
  ...['-Xmx1G', '-Xms1G', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20'],
  ...['-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent'],
  '-Djava.awt.headless=true',
]

async function launchKafka(launch: Launch): Promise<number> {
  await getKafka()
  const port = launch.port === 0 ? await freePort() : launch.port
  const meta = join(launch.dataDir, 'meta.properties')
  const isNew = !existsSync(meta)
  const nodeId = isNew ? 1 : Number(/^node\.id=(\d+)/m.exec(readFileSync(meta, 'utf8'))?.[1])
  const configDir = mkdtempSync(join(tmpdir(), 'kafka-config-'))
  const properties = join(configDir, 'server.properties')
  writeFileSync(properties, kafkaProperties({ ...launch, port }, await freePort(), nodeId))
  if (isNew) await formatKafka(properties, clusterId)
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
  return port
}

/** Formats a new data directory, so that a later start does nothing but start. */
export async function prepareKafka(dataDir: string): Promise<void> {
  const configDir = mkdtempSync(join(tmpdir(), 'kafka-config-'))
  const properties = join(configDir, 'server.properties')
  const launch = { dataDir, port: 9092, settings: {}, timeoutMs: 0, spawned: () => {} }
  writeFileSync(properties, kafkaProperties(launch, 9093, 1))
  await formatKafka(properties, clusterId)
  rmSync(configDir, { recursive: true })
}

/** Formats the directory that `properties` names, as `kafka-storage format` does. */
async function formatKafka(properties: string, id: string): Promise<void> {
  const program = startJava('kafka.tools.StorageTool', ['format', '-t', id, '-c', properties], {
    classes: 'server',
  })
  const { code } = await program.end(60_000)
  if (code !== 0) throw new Error(`kafka-storage format: ${program.describe()}`)
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
