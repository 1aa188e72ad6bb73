import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { errorName } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { batchOf, casesOf, type Verdicts } from './codecs/cases.ts'
import { jarsOf } from './kafka/jars.ts'
import { compile, startJava } from './kafka/java.ts'
import { projectRoot } from './project-root.ts'
import { startBroker, startKafka, type Target, targetName } from './targets.ts'
import { Peer } from './wire/peer.ts'
import { makeTopic } from './wire/topics.ts'

/** Apache Kafka's verdicts for the unit tests; `UPDATE_GOLDEN=1` writes the file. */
const kept = join(projectRoot, 'test', 'golden', 'codecs.json')

/** Results of Kafka's own classes that read the batches: `read COUNT SUM`, or an error. */
async function readByKafka(batches: readonly Buffer[]): Promise<string[]> {
  const program = startJava('BatchReader', [], {
    classes: 'server',
    extra: [await compile(), ...jarsOf('server')],
  })
  program.child.stdin?.end(batches.map((bytes) => `${bytes.toString('hex')}\n`).join(''))
  const { code, stdout, stderr } = await program.finished
  expect(code, stderr).toBe(0)
  return stdout.trimEnd().split('\n')
}

/**
 * Some hundreds of valid and invalid streams of each codec, each in a batch of its own: odradek
 * accepts exactly those that Apache Kafka accepts from a producer and its consumer can read. Once
 * for batches that are kept, and once for a topic that stores records uncompressed.
 */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} reads codecs as Kafka does`, () => {
  let targets: Target[]
  beforeAll(async () => {
    const settings = { 'message.max.bytes': 2_000_000 }
    targets = await Promise.all([startBroker({ settings }), startKafka({ settings })])
  })
  afterAll(() => Promise.all((targets ?? []).map((target) => target.close())))

  /** A broker's answers to the batches. */
  async function answers(target: Target, batches: readonly Buffer[], topic: string, type: string) {
    const peer = new Peer(target)
    try {
      const configs = [{ name: 'compression.type', value: type }]
      await makeTopic(peer, topic, { numPartitions: 1, configs })
      const found: string[] = []
      for (const records of batches) {
        const body = {
          ...{ transactionalId: null, acks: -1, timeoutMs: 5_000 },
          topicData: [
            { name: topic, partitionData: [{ index: 0, records: Buffer.from(records) }] },
          ],
        }
        const answer = await peer.quietly(produce, 9, body)
        found.push(
          typeof answer === 'string'
            ? answer
            : errorName(answer.responses[0].partitionResponses[0].errorCode),
        )
      }
      return found
    } finally {
      peer.close()
    }
  }

  const verdicts: Verdicts = {}

  test.each(casesOf)('%s', async (codec, make) => {
    const cases = await make()
    const batches = cases.map((one) => batchOf(one, codec))
    const read = await readByKafka(batches)
    const isReadable = read.map((line) => line.startsWith('read'))
    for (const type of ['producer', 'uncompressed']) {
      const [ours, kafka] = await Promise.all(
        targets.map((target) => answers(target, batches, `${codec}.${type}`, type)),
      )
      // Batches that Kafka's consumer cannot read are refused here, though Kafka accepts them.
      // For batches that are refused by both, each broker may have found another fault first.
      const same = (i: number) => ours![i] === kafka![i] || (!isReadable[i] && ours![i] !== 'NONE')
      const of = (answers: readonly string[]) =>
        cases.flatMap(({ title }, i) =>
          same(i) ? [] : [`${title}: ${answers[i]} (Kafka's reader: ${read[i]})`],
        )
      expect(of(ours!)).toEqual(of(kafka!))
      const count = (what: (answer: string, i: number) => boolean) => kafka!.filter(what).length
      const taken = count((answer) => answer === 'NONE')
      const lost = count((answer, i) => answer === 'NONE' && !isReadable[i])
      const reasons = count((answer, i) => answer !== 'NONE' && answer !== ours![i])
      process.stdout.write(
        `  ${codec}, ${type}: ${cases.length} streams; Kafka takes ${taken}, ${lost} of which it ` +
          `cannot read; of those refused, ${reasons} for another reason\n`,
      )
      expect(taken).toBeGreaterThan(20)
      if (type !== 'producer') continue
      verdicts[codec] = kafka!.map((one, i) => (one === 'NONE' && isReadable[i] ? 1 : 0)).join('')
    }
  })

  test('what the unit tests expect is what Kafka says', () => {
    if (process.env.UPDATE_GOLDEN === '1') {
      writeFileSync(kept, `${JSON.stringify(verdicts, null, 2)}\n`)
    }
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toEqual(verdicts)
  })
})
