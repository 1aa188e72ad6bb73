import { connect, type Socket } from 'node:net'
import { errorName } from '../../../src/protocol/errors.ts'
import { readResponse, requestFrame } from '../../../src/protocol/frame.ts'
import { FrameCutter } from '../../../src/protocol/frame-cutter.ts'
import { listOffsets } from '../../../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { offsetFetch } from '../../../src/protocol/messages/09-offset-fetch.ts'
import { findCoordinator } from '../../../src/protocol/messages/10-find-coordinator.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'
import { until } from '../kafkajs/client.ts'
import type { Target } from '../targets.ts'
import { Names } from './names.ts'

/** Requests and answers, with names for everything that differs between two brokers. */
export interface Exchange {
  readonly asked: string
  readonly answered: unknown
}

/**
 * Maximum time of an answer; after it the missing answer is noted, and the connection is given up.
 */
const answerMs = 5_000

/** One connection on which requests are answered in order. */
export class Line {
  readonly #socket: Socket
  readonly #waiting: ((frame: Buffer | string) => void)[] = []
  readonly #answerMs: number
  readonly #clientId: string | null
  #lastCorrelationId = 0
  #ended = false

  constructor(port: number, answerMsMax = answerMs, clientId: string | null = 'wire') {
    this.#answerMs = answerMsMax
    this.#clientId = clientId
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const cutter = new FrameCutter(2 ** 30)
    this.#socket.on('data', (piece) => {
      cutter.push(piece, (frame) => this.#waiting.shift()?.(frame))
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#ended = true
      for (const answer of this.#waiting.splice(0)) answer('connection closed')
    })
  }

  /** @returns the body, or the reason why there is none. */
  async ask(api: AnyApi, version: number, body: object): Promise<any> {
    if (this.#ended) return 'connection closed'
    const header = { correlationId: ++this.#lastCorrelationId, clientId: this.#clientId }
    for (const piece of requestFrame(api, version, header, body)) this.#socket.write(piece)
    const frame = await this.#answer()
    if (typeof frame === 'string') return frame
    const response = readResponse(api, version, frame)
    if (response.correlationId !== header.correlationId) return 'another request was answered'
    return response.body
  }

  /** Sends bytes as they are. @returns the answering frame, or the reason why there is none. */
  async send(bytes: Buffer): Promise<Buffer | string> {
    if (this.#ended) return 'connection closed'
    this.#socket.write(bytes)
    return this.#answer()
  }

  /** Sends a request without an answer: acks=0. */
  tell(api: AnyApi, version: number, body: object): void {
    const header = { correlationId: ++this.#lastCorrelationId, clientId: this.#clientId }
    for (const piece of requestFrame(api, version, header, body)) this.#socket.write(piece)
  }

  close(): void {
    this.#socket.destroy()
  }

  #answer(): Promise<Buffer | string> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => resolve(`no answer within ${this.#answerMs} ms`),
        this.#answerMs,
      )
      this.#waiting.push((frame) => {
        clearTimeout(timer)
        resolve(frame)
      })
    })
  }
}

/** A broker to ask: its port on 127.0.0.1, and its log directory. */
export type PeerTarget = Pick<Target, 'port' | 'dataDir'>

/** One of the two brokers, and the transcript of its answers. */
export class Peer {
  readonly target: PeerTarget
  readonly transcript: Exchange[] = []
  readonly names: Names
  #line: Line

  readonly #answerMs: number | undefined

  constructor(
    target: PeerTarget,
    o: { readonly isInOrder?: boolean | undefined; readonly answerMs?: number | undefined } = {},
  ) {
    this.target = target
    this.#answerMs = o.answerMs
    this.names = new Names(target.port, o.isInOrder)
    this.#line = this.open()
  }

  /** Another connection, for a request that must wait during others. */
  open(): Line {
    return new Line(this.target.port, this.#answerMs)
  }

  /**
   * Asks on the peer's own connection (or `line`) and notes the answer.
   * @returns the original answer.
   */
  async ask(api: AnyApi, version: number, body: object, line?: Line): Promise<any> {
    const answer = await (line ?? this.#line).ask(api, version, body)
    this.note(`${api.name} v${version} ${this.show(body)}`, answer)
    if (typeof answer === 'string' && line === undefined) this.reconnect()
    return answer
  }

  /** After a missing answer. */
  reconnect(): void {
    this.#line.close()
    this.#line = this.open()
  }

  note(asked: string, answer: unknown): void {
    this.transcript.push({ asked, answered: this.names.plain(answer) })
  }

  show(body: object): string {
    return JSON.stringify(this.names.plain(body)).slice(0, 1_000)
  }

  /** Asks without noting the answer. */
  quietly(api: AnyApi, version: number, body: object): Promise<any> {
    return this.#line.ask(api, version, body)
  }

  /** Waits until a created topic can be used. @returns its id. */
  async usable(topic: string): Promise<string> {
    let topicId = ''
    await until(`${topic} can be used`, async () => {
      const topics = [{ name: topic }]
      const asked = { topics, allowAutoTopicCreation: false }
      const [found] = (await this.quietly(metadata, 12, asked)).topics
      if (found.errorCode !== 0) return false
      topicId = found.topicId
      this.names.learn(topicId, `id of ${topic}`)
      for (const { partitionIndex } of found.partitions) {
        const partitions = [{ partitionIndex, timestamp: -1 }]
        const query = { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] }
        const answer = await this.quietly(listOffsets, 6, query)
        if (answer.topics[0].partitions[0].errorCode !== 0) return false
      }
      return true
    })
    return topicId
  }

  /** Waits until a deleted topic is unknown. */
  async gone(topic: string): Promise<void> {
    await until(`${topic} is gone`, async () => {
      const asked = { topics: [{ name: topic }], allowAutoTopicCreation: false }
      const [found] = (await this.quietly(metadata, 12, asked)).topics
      return errorName(found.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION'
    })
  }

  /** Waits until the coordinator of a group answers. */
  async coordinated(groupId: string): Promise<void> {
    await until(`group ${groupId} is coordinated`, async () => {
      const found = await this.quietly(findCoordinator, 3, { key: groupId, keyType: 0 })
      if (found.errorCode !== 0) return false
      const fetched = await this.quietly(offsetFetch, 7, { groupId, topics: null })
      return fetched.errorCode === 0
    })
  }

  close(): void {
    this.#line.close()
  }
}
