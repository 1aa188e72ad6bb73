import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { silentLogger } from '../src/base/logger.ts'
import { Broker } from '../src/server/broker.ts'
import { requests } from './messages.ts'
import { claim, type Target } from './target.ts'

/** Maximum wait in ms for an answer: a long poll may take as long as its request says. */
const patienceMs = 100

/** An in-memory broker; reconnects after a closed connection. */
class Attacked {
  private broker: Broker | null = null
  private socket: Socket | null = null
  readonly errors: string[] = []

  private async port(): Promise<number> {
    const error = (message: string, fields?: object) =>
      this.errors.push(`${message} ${JSON.stringify(fields ?? {})}`)
    this.broker ??= await Broker.start({
      port: 0,
      memory: true,
      settings: { 'socket.request.max.bytes': 1_000_000 },
      logger: { ...silentLogger, error } as typeof silentLogger,
    })
    return this.broker.port
  }

  private async open(): Promise<Socket> {
    if (this.socket !== null && !this.socket.destroyed) return this.socket
    const socket = connect({ port: await this.port(), host: '127.0.0.1' })
    socket.on('error', () => {})
    await once(socket, 'connect')
    this.socket = socket
    return socket
  }

  /** Sends a frame and waits for bytes, the end of the connection, or `patienceMs`. */
  async send(frame: Buffer): Promise<void> {
    const socket = await this.open()
    const head = Buffer.alloc(4)
    head.writeInt32BE(frame.length)
    const answered = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), patienceMs)
      const done = () => {
        clearTimeout(timer)
        resolve(true)
      }
      socket.removeAllListeners('data').removeAllListeners('close')
      socket.once('data', done).once('close', done)
      socket.write(Buffer.concat([head, frame]))
    })
    if (!answered) socket.destroy()
    const errors = this.errors.splice(0)
    claim(errors.length === 0, `the broker logs ${errors.join('; ')}`)
  }

  async close(): Promise<void> {
    this.socket?.destroy()
    await this.broker?.stop()
  }
}

const attacked = new Attacked()

/** Requests to a running broker: it must answer or close the connection, and log no error. */
export const broker: Target = {
  name: 'broker',
  seeds: () => requests.seeds(),
  run: (input) => attacked.send(input),
  close: () => attacked.close(),
}
