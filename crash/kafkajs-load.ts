import type { Kafka, Producer, ProducerRecord } from 'kafkajs'
import { client, compressionTypes } from '../test/compat/kafkajs/client.ts'

const topic = 'kafkajs'
const partitionCount = 2
const recordsASend = 4
const codecs = Object.values(compressionTypes)

/** Returns the content of the record with this number, as `CrashLoad.java` computes it. */
const textOf = (n: number) => `${n} `.repeat(1 + ((n * 7919) % 251))

/**
 * An idempotent kafkajs producer with one send at a time, which continues across broker failures.
 */
export class KafkajsLoad {
  readonly #kafka: Kafka
  readonly #producer: Producer
  readonly #acknowledged: (n: number, offset: number) => void
  #running = false
  #done: Promise<void> = Promise.resolve()
  #failure: Error | null = null

  constructor(bootstrap: string, acknowledged: (n: number, offset: number) => void) {
    this.#kafka = client(bootstrap, {
      requestTimeout: 5_000,
      retry: { initialRetryTime: 30, maxRetryTime: 200, retries: 1_000 },
    })
    this.#producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    this.#acknowledged = acknowledged
  }

  async start(): Promise<void> {
    await this.#producer.connect()
    this.#running = true
    this.#done = this.#send().catch((error: Error) => {
      this.#failure = error
    })
  }

  /** @throws Error if a send has failed permanently. */
  check(): void {
    if (this.#failure !== null) throw new Error(`kafkajs: ${this.#failure.message}`)
  }

  /** Resolves when all sent records are acknowledged. */
  async stop(): Promise<void> {
    this.abandon()
    await this.#done
    this.check()
    await this.#producer.disconnect()
  }

  abandon(): void {
    this.#running = false
  }

  /** Retries until the record is acknowledged, with the same sequence numbers. */
  async #sendOne(record: ProducerRecord): Promise<number> {
    for (;;) {
      try {
        const [sent] = await this.#producer.send(record)
        return Number(sent!.baseOffset)
      } catch (error) {
        // kafkajs throws this without a retry if a connection is lost between two of its steps.
        if ((error as Error).message !== 'Broker not connected') throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  async #send(): Promise<void> {
    for (let i = 0; this.#running; i++) {
      const partition = i % partitionCount
      const first = (i - partition) * recordsASend + partition
      const numbers = Array.from({ length: recordsASend }, (_, j) => first + j * partitionCount)
      const messages = numbers.map((n) => ({
        value: textOf(n),
        partition,
        headers: { at: `n ${n}` },
      }))
      const compression = codecs[i % codecs.length]!
      const baseOffset = await this.#sendOne({ topic, acks: -1, compression, messages })
      numbers.forEach((n, j) => {
        this.#acknowledged(n, baseOffset + j)
      })
    }
  }
}
