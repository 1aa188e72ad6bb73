/**
 * Asks an Apache Kafka on 127.0.0.1 what it answers to batches that are wrong in many ways, and to
 * idempotent batches in many orders. Run by hand against a fresh broker; the answers stand beside it
 * and `test/storage/validate.test.ts` and `producers.test.ts` hold ours against them:
 *
 *   npx esbuild test/golden/produce/capture.ts --bundle --platform=node --format=esm \
 *     --packages=external --outfile=capture.tmp.mjs && node capture.tmp.mjs PORT
 */
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { requestFrame, readResponse } from '../../../src/protocol/frame.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { produce } from '../../../src/protocol/messages/00-produce.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'
import { sequenceSteps, topics, validationCases } from './cases.ts'

const port = Number(process.argv[2])
const folder = new URL('test/golden/produce/', `file://${process.cwd()}/`)

class Client {
  private readonly socket: Socket
  private received = Buffer.alloc(0)
  private wake: () => void = () => {}
  private correlationId = 0

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes])
      this.wake()
    })
  }

  async ask(of: AnyApi, version: number, body: object): Promise<any> {
    const header = { correlationId: this.correlationId++, clientId: 'capture' }
    for (const piece of requestFrame(of, version, header, body)) this.socket.write(piece)
    while (this.received.length < 4 || this.received.length < 4 + this.received.readInt32BE(0)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
    const end = 4 + this.received.readInt32BE(0)
    const frame = this.received.subarray(4, end)
    this.received = this.received.subarray(end)
    return readResponse(of, version, frame).body
  }

  async produce(topic: string, records: Buffer, version: number) {
    const body = await this.ask(produce, version, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    })
    const { errorCode, errorMessage, recordErrors, baseOffset } =
      body.responses[0].partitionResponses[0]
    return { errorCode, errorMessage: errorMessage ?? null, recordErrors, baseOffset }
  }
}

const socket = connect(port, '127.0.0.1')
await new Promise((resolve) => socket.once('connect', resolve))
const client = new Client(socket)
await client.ask(createTopics, 5, {
  topics: [...Object.entries(topics), ['sequences', {}] as const].map(([name, configs]) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  })),
  timeoutMs: 30_000,
  validateOnly: false,
})
await new Promise((resolve) => setTimeout(resolve, 2_000))

const answers = []
for (const { name, topic, version = 9, batch } of await validationCases(Date.now())) {
  answers.push({ name, topic, ...(await client.produce(topic, batch, version)) })
}
writeFileSync(new URL('validation.json', folder), `${JSON.stringify(answers, null, 1)}\n`)

const steps = []
for (const { step, batch } of sequenceSteps()) {
  const { errorCode, baseOffset } = await client.produce('sequences', batch, 9)
  steps.push([...step, errorCode, baseOffset])
}
writeFileSync(new URL('sequences.json', folder), `[\n${steps.map((s) => JSON.stringify(s)).join(',\n')}\n]\n`)
socket.end()
