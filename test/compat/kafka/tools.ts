import { basename } from 'node:path'
import { type Finished, Running } from '../process.ts'
import { jarsOf, loggingArgs } from './jars.ts'
import { compile } from './java.ts'

const mainClasses = {
  'broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  configs: 'kafka.admin.ConfigCommand',
  'client-metrics': 'org.apache.kafka.tools.ClientMetricsCommand',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'consumer-perf': 'org.apache.kafka.tools.ConsumerPerformance',
  'delegation-tokens': 'org.apache.kafka.tools.DelegationTokenCommand',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'e2e-latency': 'org.apache.kafka.tools.EndToEndLatency',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'producer-perf': 'org.apache.kafka.tools.ProducerPerformance',
  'reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  acls: 'org.apache.kafka.tools.AclCommand',
  cluster: 'org.apache.kafka.tools.ClusterTool',
  features: 'org.apache.kafka.tools.FeatureCommand',
  'share-groups': 'org.apache.kafka.tools.consumer.group.ShareGroupCommand',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  storage: 'kafka.tools.StorageTool',
  topics: 'org.apache.kafka.tools.TopicCommand',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
  // Programs of this project, in `test/compat/java/`.
  'crash-load': 'CrashLoad',
  'fixed-batches': 'FixedBatches',
  'keyed-load': 'KeyedLoad',
  'round-trip': 'RoundTrip',
  'transactional-app': 'Transactions',
} as const
export type Tool = keyof typeof mainClasses

export const mainClassOf = (tool: Tool): string => mainClasses[tool]

interface CallOptions {
  readonly input?: string | undefined
  readonly timeoutMs?: number
}

/** Time for a tool to return its output after it is interrupted at its deadline. */
const cancelMs = 5_000

/** Kafka's command line tools, many calls to one JVM. See `java/ToolRunner.java`. */
export class JavaTools {
  readonly #jvm: Running
  #lastId = 0
  readonly #waiting = new Map<string, (finished: Finished) => void>()
  #unread = ''

  private constructor(jvm: Running) {
    this.#jvm = jvm
    jvm.child.stdout?.on('data', (text: string) => this.#answers(text))
  }

  /** Starts the JVM (about half a second). It ends with this process, or at `close`. */
  static async start(): Promise<JavaTools> {
    const folder = await compile()
    const jars = jarsOf('tools')
    const fresh = jars.filter((jar) => /^kafka-tools-\d|^kafka_2/.test(basename(jar)))
    const shared = jars.filter((jar) => !fresh.includes(jar))
    const jvm = ['-XX:+UseSerialGC', '-Xmx512m', `-Dtool.jars=${fresh.join(':')}`]
    const classPath = [folder, ...shared].join(':')
    const args = [...jvm, ...loggingArgs('tools'), '-cp', classPath, 'ToolRunner']
    return new JavaTools(new Running('java', args))
  }

  /** Runs a tool to its end, whatever its exit code. Rejects at the deadline. */
  async call(tool: Tool, args: readonly string[], options: CallOptions = {}): Promise<Finished> {
    const { input = '', timeoutMs = 60_000 } = options
    const id = String(++this.#lastId)
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const list = args.length === 0 ? '-' : args.map(base64).join(',')
    const said = `${tool} ${args.join(' ')}`
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#jvm.child.stdin?.write(`${id}\tcancel\n`)
        timer = setTimeout(() => {
          reject(new Error(`${said}: no end within ${timeoutMs} ms, not even when interrupted`))
        }, cancelMs)
        this.#waiting.set(id, ({ stdout, stderr }) =>
          reject(new Error(`${said}: no end within ${timeoutMs} ms\n${stderr}\n${stdout}`)),
        )
      }, timeoutMs)
    })
    const answered = new Promise<Finished>((resolve) => this.#waiting.set(id, resolve))
    this.#jvm.child.stdin?.write(`${id}\t${mainClasses[tool]}\t${list}\t${base64(input)}\n`)
    try {
      return await Promise.race([answered, late, this.#jvmEnds(said)])
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** Runs a tool that must end with 0. @returns its output. */
  async ask(tool: Tool, args: readonly string[], options: CallOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.call(tool, args, options)
    if (code !== 0) {
      throw new Error(`${tool} ${args.join(' ')} ended with ${code}\n${stderr}\n${stdout}`)
    }
    return stdout
  }

  async close(): Promise<void> {
    this.#jvm.child.stdin?.end()
    await this.#jvm.end(10_000)
  }

  async #jvmEnds(said: string): Promise<never> {
    await this.#jvm.finished
    throw new Error(`the JVM ended during ${said}\n${this.#jvm.describe()}`)
  }

  #answers(text: string): void {
    const lines = (this.#unread + text).split('\n')
    this.#unread = lines.pop() ?? ''
    for (const line of lines) {
      const [id = '', code, stdout = '', stderr = ''] = line.split('\t')
      const decode = (encoded: string) => Buffer.from(encoded, 'base64').toString()
      this.#waiting.get(id)?.({
        code: Number(code),
        stdout: decode(stdout),
        stderr: decode(stderr),
      })
    }
  }
}

const shared = globalThis as { odradekJavaTools?: Promise<JavaTools> }

/** The runner that all suites of a process share. */
export function javaTools(): Promise<JavaTools> {
  shared.odradekJavaTools ??= JavaTools.start()
  return shared.odradekJavaTools
}
