import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { runDecode } from '../../src/cli/decode/decode.ts'
import { javaTools } from './kafka/tools.ts'
import { projectRoot } from './project-root.ts'

const dataDir = join(projectRoot, 'test', 'golden', 'data-dir')

interface Line {
  readonly offset: number
  readonly key: unknown
  readonly value: unknown
}

/** The records that `odradek decode --json` prints, except control records. */
async function ours(file: string): Promise<Line[]> {
  let text = ''
  await runDecode({ file, json: true, response: null }, (more) => {
    text += more
  })
  const batches = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return batches.flatMap((batch) => (batch.isControl ? [] : batch.records))
}

/** The lines of `kafka-dump-log`: `| offset: 3 ... key: k payload: v`. */
async function kafkas(file: string, decoder: readonly string[]): Promise<Line[]> {
  const tools = await javaTools()
  const text = await tools.ask('dump-log', ['--files', file, '--print-data-log', ...decoder])
  return text.split('\n').flatMap((line) => {
    const found = /^\| offset: (\d+) (.*)$/.exec(line)
    if (found === null || / endTxnMarker: | (LeaderChange|Snapshot|KRaft)/.test(line)) return []
    const key = / key: (.*?)(?= payload: |$)/.exec(found[2]!)?.[1]
    const value = / payload: (.*)$/.exec(found[2]!)?.[1]
    return [{ offset: Number(found[1]), key: key ?? null, value: value ?? null }]
  })
}

const parsed = (text: unknown) => (typeof text === 'string' ? JSON.parse(text) : null)
const kafkaName = (name: string) =>
  name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

/** Everything that Kafka's decoder prints must be printed here too; bytes are in base64. */
function expectTold(ours: any, theirs: any, where: string): void {
  if (theirs === null || typeof theirs !== 'object') {
    const bytes = ours?.hex === undefined ? Buffer.from(String(ours)) : Buffer.from(ours.hex, 'hex')
    // A hash has more digits than a number in JavaScript.
    const isSame =
      String(ours) === String(theirs) ||
      Number(ours) === theirs ||
      bytes.toString('base64') === theirs
    expect(isSame, `${where}: ${JSON.stringify(ours)} for ${JSON.stringify(theirs)}`).toBe(true)
    return
  }
  for (const [name, value] of Object.entries(theirs)) {
    expectTold(ours?.[name], value, `${where}.${name}`)
  }
}

/**
 * Kafka's decoders omit tagged fields with their default, so only the printed fields are compared.
 */
describe.skipIf(inject('javaMissing') !== null)('kafka-dump-log tells the same', () => {
  test.each(['t-0', 't-1', 'c-0'])('of the records in %s', async (partition) => {
    const file = join(dataDir, partition, '00000000000000000000.log')
    const [told, wanted] = [await ours(file), await kafkas(file, [])]
    expect(told.map(({ offset, key, value }) => ({ offset, key, value }))).toEqual(wanted)
    expect(told.length).toBeGreaterThan(2)
  })

  test('of the records of the metadata log', async () => {
    const file = join(dataDir, '__cluster_metadata-0', '00000000000000000000.log')
    const told = await ours(file)
    const wanted = await kafkas(file, ['--cluster-metadata-decoder'])
    expect(told.map(({ offset }) => offset)).toEqual(wanted.map(({ offset }) => offset))
    wanted.forEach(({ value }, i) => {
      const { type, version, data } = told[i]!.value as any
      const theirs = parsed(value)
      expect([kafkaName(type), version]).toEqual([theirs.type, theirs.version])
      expectTold(data, theirs.data, `offset ${wanted[i]!.offset}`)
    })
    expect(told.length).toBeGreaterThan(100)
  })

  const groups = ['14', '18', '20', '32', '39', '43', '49'].map((n) => `__consumer_offsets-${n}`)
  test.each([...groups, '__transaction_state-20'])('of the records in %s', async (partition) => {
    const file = join(dataDir, partition, '00000000000000000000.log')
    const decoder = partition.startsWith('__c') ? 'offsets' : 'transaction-log'
    const told = await ours(file)
    const wanted = await kafkas(file, [`--${decoder}-decoder`])
    expect(told.map(({ offset }) => offset)).toEqual(wanted.map(({ offset }) => offset))
    wanted.forEach(({ key, value, offset }, i) => {
      const where = `offset ${offset}`
      expectTold((told[i]!.key as any).data, parsed(key).data, where)
      if (value === null || value === '<DELETE>') expect(told[i]!.value).toBeNull()
      else {
        const [mine, theirs] = [told[i]!.value as any, parsed(value)]
        expectTold(
          { version: mine.version, data: mine.data },
          { version: theirs.version, data: theirs.data },
          where,
        )
      }
    })
  })
})
