import { messageOf } from '../base/error-text.ts'
import { errorCode } from '../protocol/errors.ts'
import { readResponse, requestFrame } from '../protocol/frame.ts'
import { FrameCutter } from '../protocol/frame-cutter.ts'
import { apiVersions } from '../protocol/messages/18-api-versions.ts'
import {
  type AnyApi,
  type Api,
  type Draft,
  type Fields,
  type Infer,
  Malformed,
} from '../protocol/schema.ts'
import { ChannelFault } from './channel.ts'
import type { Dialer, Link } from './dialer.ts'

/** Maximum bytes of a response before the connection is ready: no response of a login is longer. */
const loginResponseBytesMax = 1024 * 1024

/** Takes the response to one request: one of the two is called, once, as soon as it is known. */
export interface Answer<T> {
  answered(body: T): void
  failed(fault: ChannelFault): void
}

interface Asked {
  readonly api: AnyApi
  readonly version: number
  readonly correlationId: number
  readonly answer: Answer<Infer<Fields>>
}

/** One TCP connection to a node: requests and responses in the same order. */
export class NodeConnection {
  private readonly clientId: string
  private readonly closed: (fault: ChannelFault) => void
  private readonly link: Link
  private readonly cutter = new FrameCutter(loginResponseBytesMax)
  /** Requests without a response, the oldest first. */
  private readonly asked: Asked[] = []
  private lastCorrelationId = -1
  private isClosed = false

  /** @throws an error if the address cannot be one. */
  constructor(options: {
    readonly dialer: Dialer
    readonly host: string
    readonly port: number
    readonly clientId: string
    readonly opened: () => void
    /** Called at most once, after all requests without a response have failed. */
    readonly closed: (fault: ChannelFault) => void
  }) {
    this.clientId = options.clientId
    this.closed = options.closed
    this.link = options.dialer.dial(options.host, options.port, {
      opened: options.opened,
      received: (piece) => this.onBytes(piece),
      closed: (fault) => this.end(fault),
    })
  }

  /** Number of requests without a response. */
  get inFlight(): number {
    return this.asked.length
  }

  /** Accepts longer responses from now on: the node is who it should be. */
  allowResponsesOf(bytesMax: number): void {
    this.cutter.frameBytesMax = bytesMax
  }

  /** Sends a request. @throws an error, with nothing sent, if the layout does not fit the body. */
  ask<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
    answer: Answer<Infer<R>>,
  ): void {
    const correlationId = (this.lastCorrelationId + 1) & 0x7fffffff
    const header = { correlationId, clientId: this.clientId }
    const pieces = requestFrame(api as AnyApi, version, header, body)
    this.lastCorrelationId = correlationId
    this.asked.push({ api: api as AnyApi, version, correlationId, answer: answer as Answer<never> })
    this.link.write(pieces)
  }

  /** Like `ask`, as a promise. */
  request<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
  ): Promise<Infer<R>> {
    return new Promise((answered, failed) => {
      if (this.isClosed) failed(new ChannelFault('disconnected', 'the connection was closed'))
      else this.ask(api, version, body, { answered, failed })
    })
  }

  /** Closes the connection for this reason, which all requests without a response get. */
  fail(fault: ChannelFault): void {
    if (this.isClosed) return
    this.link.destroy()
    this.end(fault)
  }

  private end(fault: ChannelFault): void {
    this.isClosed = true
    for (const { answer } of this.asked.splice(0)) answer.failed(fault)
    this.closed(fault)
  }

  private onBytes(piece: Buffer): void {
    try {
      this.cutter.push(piece, (frame) => this.take(frame))
    } catch (error) {
      const reason = `the node sent bytes that are no response: ${messageOf(error)}`
      this.fail(new ChannelFault('disconnected', reason))
    }
  }

  /** @returns false if no further frames are wanted. */
  private take(frame: Buffer): boolean {
    const [next] = this.asked
    if (next === undefined) throw new Malformed('no request waits for it')
    const { api, correlationId } = next
    const its = frame.byteLength < 4 ? null : frame.readInt32BE(0)
    if (its !== correlationId) {
      throw new Malformed(`correlation id ${its}, that of ${api.name} is ${correlationId}`)
    }
    const { body } = readResponse(api, versionOf(next, frame), frame)
    this.asked.shift()
    next.answer.answered(body)
    return !this.isClosed
  }
}

/**
 * Returns the version that a response is in. A node that does not know the version of an
 * ApiVersions request refuses it in version 0 (KIP-511).
 */
function versionOf({ api, version }: Asked, frame: Buffer): number {
  if (api.key !== apiVersions.key || frame.byteLength < 6) return version
  return frame.readInt16BE(4) === errorCode('UNSUPPORTED_VERSION') ? 0 : version
}
