import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeAddress } from '../../../src/channel/channel.ts'
import { freePort } from '../free-port.ts'
import type { Running } from '../process.ts'
import { writeProperties } from '../properties-file.ts'
import type { Settings } from '../targets.ts'
import { getKafka } from './jars.ts'
import { startJava } from './java.ts'

const clusterId = '5bLNs3gXQVCpHYQ1Wd0b8A'
const firstControllerId = 3000

/** Several JVMs share the machine: a controller needs little, and should start quickly. */
const smallJvm = ['-Xmx384m', '-Xms64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

const startMs = 120_000

/** What keeps the files of a quorum small, so that snapshots are written and old ones go. */
export const smallFiles: Settings = {
  'metadata.log.max.record.bytes.between.snapshots': 5000,
  'internal.metadata.log.segment.bytes': 10_000,
  'metadata.max.retention.bytes': 20_000,
  'internal.metadata.delete.delay.millis': 1,
}

interface Node {
  readonly id: number
  readonly port: number
  readonly dataDir: string
  readonly file: string
  program: Running | null
}

/** Controllers of Apache Kafka, and brokers on demand, each in a process of its own. */
export class KafkaQuorum {
  readonly clusterId = clusterId
  readonly #dir = mkdtempSync(join(tmpdir(), 'kafka-quorum-'))
  readonly #settings: Settings
  readonly #jvm: string[]
  readonly #nodes = new Map<number, Node>()
  #controllers: readonly Node[] = []

  private constructor(settings: Settings, jvm: readonly string[]) {
    this.#settings = settings
    this.#jvm = [...jvm]
  }

  /**
   * Starts controllers with the ids from 3000 on.
   * @param options.voters where their list stands.
   * @param options.jvm flags of every JVM, which is small by default.
   */
  static async start(options: {
    readonly controllers: number
    readonly voters: 'in the log' | 'static'
    readonly settings?: Settings
    readonly jvm?: readonly string[]
  }): Promise<KafkaQuorum> {
    await getKafka()
    const { controllers, voters, settings = {}, jvm = smallJvm } = options
    const ports: number[] = []
    for (let i = 0; i < controllers; i++) ports.push(await freePort())
    const ids = ports.map((port, i) => ({ id: firstControllerId + i, port }))
    const addresses = ids.map(({ port }) => `127.0.0.1:${port}`).join(',')
    const fixed = ids.map(({ id, port }) => `${id}@127.0.0.1:${port}`).join(',')
    const initial = ids.map(({ id, port }, i) => `${id}@127.0.0.1:${port}:${directoryId(i)}`)
    const isStatic = voters === 'static'
    const where: Settings = isStatic
      ? { 'controller.quorum.voters': fixed }
      : { 'controller.quorum.bootstrap.servers': addresses }
    const quorum = new KafkaQuorum({ ...where, ...settings }, jvm)
    const flags = isStatic ? [] : ['--initial-controllers', initial.join(',')]
    quorum.#controllers = ids.map(({ id, port }) =>
      quorum.#node(id, port, {
        ...{ 'process.roles': 'controller', listeners: `CONTROLLER://127.0.0.1:${port}` },
      }),
    )
    try {
      await Promise.all(quorum.#controllers.map((node) => quorum.#format(node, flags)))
      await Promise.all(ids.map(({ id }) => quorum.startNode(id)))
    } catch (error) {
      await quorum.close()
      throw error
    }
    return quorum
  }

  get bootstrap(): readonly NodeAddress[] {
    return this.#controllers.map(({ port }) => ({ nodeId: -1, host: '127.0.0.1', port }))
  }

  /** Adds a broker and starts it; returns its address. */
  async startBroker(id: number, settings: Settings = {}): Promise<NodeAddress> {
    const port = await freePort()
    const node = this.#node(id, port, {
      ...{ 'process.roles': 'broker', listeners: `PLAINTEXT://127.0.0.1:${port}` },
      ...{ 'inter.broker.listener.name': 'PLAINTEXT', ...settings },
    })
    await this.#format(node, [])
    await this.startNode(id)
    return { nodeId: id, host: '127.0.0.1', port }
  }

  /** Starts a node that is not running. */
  async startNode(id: number): Promise<void> {
    const node = this.#nodes.get(id)!
    node.program = startJava('kafka.Kafka', [node.file], { classes: 'server', jvm: this.#jvm })
    await node.program.until(/Kafka Server started/, startMs)
  }

  /** Ends a node at once, or in order. */
  async stopNode(id: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const node = this.#nodes.get(id)!
    await node.program?.kill(signal, startMs)
    node.program = null
  }

  /** Suspends a node, or lets it go on. */
  signal(id: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#nodes.get(id)!.program?.child.kill(signal)
  }

  /** The log directory of a node. */
  dataDirOf(id: number): string {
    return this.#nodes.get(id)!.dataDir
  }

  /** Gives the only controller, which is not running, another port; returns its address. */
  async moveController(): Promise<NodeAddress> {
    const [{ id, port, dataDir, file }] = this.#controllers as [Node]
    const moved = { id, port: await freePort(), dataDir, file, program: null }
    const text = readFileSync(file, 'utf8').replaceAll(`:${port}`, `:${moved.port}`)
    writeFileSync(file, text)
    this.#nodes.set(id, moved)
    this.#controllers = [moved]
    return { nodeId: -1, host: '127.0.0.1', port: moved.port }
  }

  /** The log files of a controller, in the order of their offsets. */
  logFiles(id: number): string[] {
    return this.#metadataFiles(id, '.log')
  }

  /** Its snapshots in that order, without the one of offset 0, which is from formatting. */
  snapshotFiles(id: number): string[] {
    return this.#metadataFiles(id, '.checkpoint').filter((path) => !/\/0+-0+\./.test(path))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#nodes.keys()].map((id) => this.stopNode(id, 'SIGKILL')))
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #metadataFiles(id: number, ending: string): string[] {
    const dir = join(this.#nodes.get(id)!.dataDir, '__cluster_metadata-0')
    const names = readdirSync(dir).filter((name) => name.endsWith(ending))
    return names.toSorted().map((name) => join(dir, name))
  }

  #node(id: number, port: number, settings: Settings): Node {
    const [dataDir, file] = [join(this.#dir, `${id}`), join(this.#dir, `${id}.properties`)]
    writeProperties(file, {
      ...{ 'node.id': id, 'log.dirs': dataDir, 'controller.listener.names': 'CONTROLLER' },
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      ...this.#settings,
      ...settings,
    })
    const node = { id, port, dataDir, file, program: null }
    this.#nodes.set(id, node)
    return node
  }

  async #format({ file }: Node, flags: readonly string[]): Promise<void> {
    const args = ['format', '-t', clusterId, '-c', file, ...flags]
    const program = startJava('kafka.tools.StorageTool', args, { classes: 'server' })
    const { code } = await program.end(startMs)
    if (code !== 0) throw new Error(`kafka-storage format: ${program.describe()}`)
  }
}

/** Any uuid, for the directory of the controller at this place of the list. */
function directoryId(i: number): string {
  return Buffer.from(`controller-dir-${i}`.padEnd(16, '.')).toString('base64url')
}
