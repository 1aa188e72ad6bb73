import type { ChannelFault } from '../../src/channel/channel.ts'
import type { Dialer, Link, LinkEvents } from '../../src/channel/dialer.ts'
import { requestCodec } from '../../src/protocol/codec.ts'
import {
  peekRequest,
  readRequestHeader,
  requestHeaderVersion,
  responseFrame,
} from '../../src/protocol/frame.ts'
import { FrameCutter } from '../../src/protocol/frame-cutter.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { Reader } from '../../src/protocol/reader.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'

/** A request as the peer has read it. */
export interface Received {
  readonly api: AnyApi
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: any
}

/** The peer's end of one connection in memory, which does only what a test says. */
export class ScriptedPeer implements Link {
  readonly address: string
  readonly received: Received[] = []
  isDestroyed = false
  private readonly events: LinkEvents
  private readonly apis: readonly AnyApi[]
  private readonly cutter = new FrameCutter(2 ** 30)
  private answered = 0

  constructor(address: string, events: LinkEvents, apis: readonly AnyApi[]) {
    this.address = address
    this.events = events
    this.apis = apis
  }

  write(pieces: readonly Uint8Array[]): void {
    this.cutter.push(Buffer.concat(pieces), (frame) => {
      const { apiKey, apiVersion: version } = peekRequest(frame)
      const api = this.apis.find(({ key }) => key === apiKey)!
      const reader = new Reader(frame)
      const header = readRequestHeader(reader, requestHeaderVersion(api, version))
      const { correlationId, clientId } = header
      const body = requestCodec(api, version).read(reader)
      this.received.push({ api, version, correlationId, clientId, body })
    })
  }

  destroy(): void {
    this.isDestroyed = true
  }

  open(): void {
    this.events.opened()
  }

  /** Answers the oldest request that has no answer, in its version. */
  answer(body: object, version?: number): void {
    const request = this.received[this.answered++]!
    const { api, correlationId } = request
    this.send(
      Buffer.concat(
        responseFrame(api, version ?? request.version, correlationId, body) as Buffer[],
      ),
    )
  }

  /** Opens the connection and answers ApiVersions with these versions. */
  serve(versions: readonly (readonly [key: number, min: number, max: number])[]): void {
    const apiKeys = versions.map(([apiKey, minVersion, maxVersion]) => ({
      apiKey,
      minVersion,
      maxVersion,
    }))
    this.answer({ errorCode: 0, apiKeys })
  }

  send(bytes: Buffer): void {
    if (!this.isDestroyed) this.events.received(bytes)
  }

  close(fault: ChannelFault): void {
    if (!this.isDestroyed) this.events.closed(fault)
  }
}

/** A network in memory: each connection is a peer that a test plays. */
export class ScriptedDialer implements Dialer {
  readonly peers: ScriptedPeer[] = []
  /** Thrown by the next calls, if set. */
  refuses: Error | null = null
  private readonly apis: readonly AnyApi[]

  constructor(apis: readonly AnyApi[]) {
    this.apis = [apiVersions as AnyApi, ...apis]
  }

  dial(host: string, port: number, events: LinkEvents): Link {
    if (this.refuses !== null) throw this.refuses
    const peer = new ScriptedPeer(`${host}:${port}`, events, this.apis)
    this.peers.push(peer)
    return peer
  }

  /** The newest connection. */
  get peer(): ScriptedPeer {
    return this.peers.at(-1)!
  }
}
