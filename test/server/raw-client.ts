import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { readResponse, requestFrame } from '../../src/protocol/frame.ts'
import { FrameCutter } from '../../src/protocol/frame-cutter.ts'
import type { Api, Draft, Fields, Infer } from '../../src/protocol/schema.ts'

/** A client that sends frames, including those that no other client would send. */
export class RawClient {
  readonly socket: Socket
  /** Frames that have arrived and were not requested yet. */
  private readonly arrived: Buffer[] = []
  private readonly waiting: ((frame: Buffer | null) => void)[] = []
  private correlationId = 0
  private isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    const cutter = new FrameCutter(200 * 1024 * 1024)
    socket.on('data', (piece) => {
      cutter.push(piece, (frame) => {
        const next = this.waiting.shift()
        if (next === undefined) this.arrived.push(frame)
        else next(frame)
      })
    })
    socket.on('error', () => {})
    const onEnd = () => {
      this.isClosed = true
      for (const next of this.waiting.splice(0)) next(null)
    }
    socket.on('end', onEnd)
    socket.on('close', onEnd)
  }

  static async open(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host, allowHalfOpen: true })
    await once(socket, 'connect')
    socket.setNoDelay(true)
    return new RawClient(socket)
  }

  /** Resolves with the next frame, or null when the broker has closed the connection. */
  nextFrame(): Promise<Buffer | null> {
    const frame = this.arrived.shift()
    if (frame !== undefined) return Promise.resolve(frame)
    if (this.isClosed) return Promise.resolve(null)
    return new Promise((resolve) => this.waiting.push(resolve))
  }

  frameOf<Q extends Fields>(api: Api<Q, any>, version: number, body: Draft<Q>) {
    const correlationId = this.correlationId++
    const header = { correlationId, clientId: 'raw' }
    return { correlationId, bytes: Buffer.concat(requestFrame(api, version, header, body)) }
  }

  async request<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
  ): Promise<Infer<R>> {
    this.socket.write(this.frameOf(api, version, body).bytes)
    const frame = await this.nextFrame()
    if (frame === null) throw new Error(`${api.name} v${version}: the connection was closed`)
    return readResponse(api, version, frame).body as Infer<R>
  }

  close(): void {
    this.socket.destroy()
  }
}
