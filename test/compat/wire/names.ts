import { type Batch, batchesIn } from '../../../src/protocol/records/batch.ts'
import { zeroUuid } from '../../../src/protocol/schema.ts'

const uuidShape = /^[\w-]{22}$/
const memberShape = /^(.*)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Buffers are shown in hex up to this many bytes, then by length and both ends. */
const hexBytesMax = 2_000

/** Positions of the fields of a record batch, in bytes from its start. */
const magicAt = 16
const crcAt = 17
const attributesAt = 21
const producerIdAt = 43
const producerEpochAt = 51
const recordsAt = 57

/**
 * Replaces values that a broker chooses itself (ids, ports, sessions) by the same names for every
 * broker.
 */
export class Names {
  readonly #port: number
  readonly #isInOrder: boolean
  readonly #known = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  /** @param isInOrder whether the order of structs in arrays is kept. */
  constructor(port: number, isInOrder = false) {
    this.#port = port
    this.#isInOrder = isInOrder
  }

  learn(value: string, name: string): void {
    this.#known.set(value, name)
  }

  /**
   * A copy with names for values that only this broker can have; arrays of structs in a fixed
   * order, if theirs is not compared.
   */
  plain(value: unknown): unknown {
    if (value instanceof Uint8Array) return hex(value)
    if (Array.isArray(value)) return this.#array(value)
    if (typeof value === 'string') return this.#text(value)
    if (value === null || typeof value !== 'object') return value
    const struct = value as Record<string, unknown>
    const name = struct.name ?? struct.topic
    if (typeof struct.topicId === 'string' && typeof name === 'string' && name !== '') {
      if (struct.topicId !== zeroUuid) this.learn(struct.topicId, `id of ${name}`)
    }
    return Object.fromEntries(
      Object.entries(struct).map(([field, inner]) => [field, this.#field(field, inner)]),
    )
  }

  #field(field: string, value: unknown): unknown {
    if (field === 'port' && value === this.#port) return 'PORT'
    if (field === 'clientInstanceId' && typeof value === 'string' && value !== zeroUuid) {
      return this.#numbered('instance', value)
    }
    if (field === 'subscriptionId' && value !== 0) return 'SUBSCRIPTION'
    if (field === 'usableBytes' && (value as number) > 0) return 'BYTES'
    if (field === 'finalizedFeaturesEpoch' && (value as number) >= 0) return 'EPOCH'
    if (field === 'records' && value instanceof Uint8Array) return this.#records(value)
    if (field === 'producerId' && (value as number) >= 0) return this.#numbered('producer', value)
    if (field === 'sessionId' && value !== 0) return this.#numbered('session', value)
    if (field === 'clusterId' && typeof value === 'string' && uuidShape.test(value)) {
      this.learn(value, 'CLUSTER')
    }
    if (/memberId|^leader$/.test(field) && typeof value === 'string') {
      if (uuidShape.test(value)) return this.#numbered('member', value)
      const shaped = memberShape.exec(value)
      if (shaped !== null && !this.#known.has(value)) {
        this.learn(value, `${shaped[1]}-${this.#numbered('member', value)}`)
      }
    }
    // The order of synonyms is their precedence.
    if (field === 'synonyms' && Array.isArray(value)) return value.map((one) => this.plain(one))
    return this.plain(value)
  }

  /**
   * Batches of records, with names for their producers and without the checksum, which covers the
   * producer id.
   */
  #records(bytes: Uint8Array): unknown {
    const buffer = Buffer.from(bytes)
    const shown: unknown[] = []
    let end = 0
    for (const batch of batchesIn(buffer)) {
      const [from, start] = [batch.start, end]
      end = batch.end
      if (buffer[from + magicAt] !== 2) return hex(buffer)
      shown.push({
        start,
        ...this.#batch(batch),
        records: hex(buffer.subarray(from + recordsAt, end)),
      })
    }
    // Kafka fills the rest of the limit with the beginning of the next batch, which no client
    // reads.
    if (shown.length === 0 && buffer.length > 0) return hex(buffer)
    return shown
  }

  #batch(batch: Batch): object {
    const head = batch.bytes.subarray(batch.start, batch.start + crcAt).toString('hex')
    const { producerId } = batch
    const from = batch.start + attributesAt
    return {
      head,
      attributes: batch.bytes.subarray(from, batch.start + producerIdAt).toString('hex'),
      producer: producerId >= 0 ? this.#numbered('producer', producerId) : producerId,
      sequence: batch.bytes
        .subarray(batch.start + producerEpochAt, batch.start + recordsAt)
        .toString('hex'),
    }
  }

  #numbered(what: string, value: unknown): string {
    const key = `${what} ${value}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const count = (this.#counts.get(what) ?? 0) + 1
    this.#counts.set(what, count)
    this.#known.set(key, `${what}#${count}`)
    return `${what}#${count}`
  }

  #array(values: readonly unknown[]): unknown[] {
    const plain = values.map((one) => this.plain(one))
    if (this.#isInOrder) return plain
    const isStructs = values.every((one) => typeof one === 'object' && one !== null)
    return isStructs
      ? plain.toSorted((a, b) => compare(JSON.stringify(a), JSON.stringify(b)))
      : plain
  }

  #text(text: string): string {
    let plain = this.#known.get(text) ?? text
    for (const [value, name] of this.#known) {
      if (value.length >= 22) plain = plain.replaceAll(value, name)
    }
    // The bounds of a timestamp depend on the clock.
    plain = plain.replace(/within \[-?\d+, \d+\]/, 'within [BOUNDS]')
    return plain.replaceAll(String(this.#port), 'PORT')
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

function hex(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes)
  if (buffer.length <= hexBytesMax) return buffer.toString('hex')
  const ends = `${buffer.subarray(0, 100).toString('hex')}...${buffer.subarray(-100).toString('hex')}`
  return `${buffer.length} bytes ${ends}`
}
