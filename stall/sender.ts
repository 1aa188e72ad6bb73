import { connect, type Socket } from 'node:net'
import { readResponse, requestFrame } from '../src/protocol/frame.ts'
import { FrameCutter } from '../src/protocol/frame-cutter.ts'
import type { AnyApi } from '../src/protocol/schema.ts'

/** A connection that sends previously encoded requests and does not decode their answers. */
export class Sender {
  private readonly socket: Socket
  private readonly waiting: ((frame: Buffer | null) => void)[] = []
  private isClosed = false

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const cutter = new FrameCutter(2 ** 31 - 1)
    this.socket.on('data', (piece) => cutter.push(piece, (frame) => this.waiting.shift()?.(frame)))
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.isClosed = true
      for (const answer of this.waiting.splice(0)) answer(null)
    })
  }

  static frame(api: AnyApi, version: number, body: object): Buffer {
    return Buffer.concat(requestFrame(api, version, { correlationId: 7, clientId: 'stall' }, body))
  }

  /** Sends a frame; returns the answer's frame, or null if the broker closed the connection. */
  send(frame: Buffer): Promise<Buffer | null> {
    if (this.isClosed) return Promise.resolve(null)
    return new Promise((resolve) => {
      this.waiting.push(resolve)
      this.socket.write(frame)
    })
  }

  /**
   * Sends a request and decodes the answer.
   *
   * @throws Error if there is none.
   */
  async ask(api: AnyApi, version: number, body: object): Promise<any> {
    const frame = await this.send(Sender.frame(api, version, body))
    if (frame === null) throw new Error(`${api.name} v${version}: the connection was closed`)
    return readResponse(api, version, frame).body
  }

  close(): void {
    this.socket.destroy()
  }
}
