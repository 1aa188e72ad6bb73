import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { systemClock } from '../base/clock.ts'
import { type LogLevel, lineLogger } from '../base/logger.ts'
import type { BrokerOptions } from '../server/broker-options.ts'
import { type SeparateNode, separateNodes } from '../server/config/separate-nodes.ts'
import { NodeTransport } from '../server/node-transport.ts'
import { announce } from './announcement.ts'
import { type FromNode, nodeCommand, type StartedNode, type ToNode } from './node-messages.ts'
import { startFault } from './start-fault.ts'

/** Time in ms in which the others must stop in order when a node has died. */
const stopMsMax = 10_000

/**
 * `odradek start --processes`: each node in a process of its own, all until a signal. A node that
 * dies ends all, with exit code 1.
 */
export async function runProcesses(options: BrokerOptions, logLevel: LogLevel): Promise<void> {
  const cluster = new Processes()
  cluster.stopOnSignals()
  try {
    const write = (line: string) => process.stderr.write(line)
    const logger = lineLogger(logLevel, systemClock.nowMs, write)
    const { controllerPort, nodesAt } = separateNodes(options, logger)
    const port = controllerPort === 0 ? await freePort() : controllerPort
    const [controller, ...brokers] = nodesAt(port)
    const start = async (node: SeparateNode) => {
      const one = cluster.start(node, logLevel)
      logger.info('a node starts', { node: one.name, pid: one.pid })
      return one.started
    }
    const first = await start(controller!)
    const others = await Promise.all(brokers.map(start))
    const brokerIds = brokers.map(({ nodeId }) => nodeId)
    // A client finds all of them, whichever it asks.
    await cluster.meet(brokerIds)
    announce({
      listeners: others.flatMap(({ listeners }) => listeners),
      brokerIds,
      clusterId: first.clusterId,
      dataDirs: [first, ...others].flatMap(({ dataDirs }) => dataDirs),
    })
  } catch (error) {
    cluster.fail(startFault(error))
  }
}

async function freePort(): Promise<number> {
  const events = { accepted: () => {}, failed: () => {} }
  const acceptor = await new NodeTransport().listen({ host: '127.0.0.1', port: 0 }, events)
  await acceptor.close()
  return acceptor.port
}

/** The processes of the nodes, in the order of their starts; they stop in reverse. */
class Processes {
  private readonly nodes: NodeProcess[] = []
  private isEnding = false

  start(node: SeparateNode, logLevel: LogLevel): NodeProcess {
    const one = new NodeProcess(node, logLevel)
    this.nodes.push(one)
    void one.ended.then((how) => this.fail(`${one.name} has ended ${how}`))
    return one
  }

  /** Resolves when all brokers show each other. */
  async meet(brokerIds: readonly number[]): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.meet(brokerIds)))
  }

  /** Ends all nodes, and this process with exit code 1. Prints the reason, of several the first. */
  fail(why: string): void {
    if (this.isEnding) return
    process.stderr.write(`odradek: ${why}\n`)
    void this.end(1, stopMsMax)
  }

  /** Stops in order on the first signal, at once on the second. */
  stopOnSignals(): void {
    const onSignal = (signal: NodeJS.Signals) => {
      if (this.isEnding) return this.killAll(130)
      process.stderr.write(`odradek: ${signal}, stopping; once more stops at once\n`)
      void this.end(0, null)
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  }

  private async end(exitCode: number, limitMs: number | null): Promise<void> {
    this.isEnding = true
    if (limitMs !== null) systemClock.after(limitMs, () => this.killAll(exitCode))
    for (const node of this.nodes.toReversed()) await node.stop()
    process.exit(exitCode)
  }

  private killAll(exitCode: number): void {
    for (const node of this.nodes) node.kill()
    process.exit(exitCode)
  }
}

/** One node in a process of its own; its lines begin with its name. */
class NodeProcess {
  readonly name: string
  /** Rejects with an error for the operator if it cannot start. */
  readonly started: Promise<StartedNode>
  /** Resolves with how it has ended: `with exit code 1`, `by SIGKILL`. */
  readonly ended: Promise<string>
  private readonly child: ChildProcess
  private hasEnded = false

  constructor({ nodeId, isController, options }: SeparateNode, logLevel: LogLevel) {
    this.name = isController ? 'controller' : `broker ${nodeId}`
    const child = fork(process.argv[1]!, [nodeCommand], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.child = child
    for (const [from, to] of [
      [child.stdout!, process.stdout],
      [child.stderr!, process.stderr],
    ] as const) {
      const lines = createInterface({ input: from })
      lines.on('line', (line) => void to.write(`[${this.name}] ${line}\n`))
    }
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(`: ${error.message}`))
      child.once('exit', (code, signal) => {
        this.hasEnded = true
        resolve(signal === null ? `with exit code ${code}` : `by ${signal}`)
      })
    })
    this.started = new Promise((resolve, reject) => {
      child.on('message', (message: FromNode) => {
        if (message.kind === 'started') resolve(message)
        if (message.kind !== 'refused') return
        reject(Object.assign(new Error(`${this.name}: ${message.why}`), { code: 'REFUSED' }))
      })
    })
    this.send({ kind: 'start', options, logLevel })
  }

  get pid(): number | undefined {
    return this.child.pid
  }

  /** Resolves when it shows these brokers to clients. */
  async meet(brokerIds: readonly number[]): Promise<void> {
    const { child } = this
    const met = new Promise<void>((resolve) => {
      child.on('message', (message: FromNode) => message.kind === 'met' && resolve())
    })
    this.send({ kind: 'meet', brokerIds })
    await met
  }

  /** Asks it to stop in order; resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.hasEnded) return
    this.send({ kind: 'stop' })
    await this.ended
  }

  kill(): void {
    this.child.kill('SIGKILL')
  }

  private send(message: ToNode): void {
    // A node that has ended gets no message: the `exit` event of its process ends the others.
    if (this.child.connected) this.child.send(message, () => {})
  }
}
