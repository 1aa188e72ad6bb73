import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ConfigDefinition } from '../src/metadata/config/definition.ts'
import { brokerKeys, clientMetricsKeys, groupKeys, topicKeys } from '../src/metadata/config/keys.ts'
import { ownKeys } from '../src/metadata/config/own-keys.ts'
import { messages } from '../src/protocol/messages/index.ts'
import { stored } from '../src/protocol/stored/index.ts'
import { acts, type ConfigKind, documentationOf } from '../src/server/config/acting.ts'
import { handlers } from '../src/server/handlers/index.ts'
import kafkas from './golden/api-versions.json' with { type: 'json' }
import { readVectors } from './protocol/vectors.ts'

/** Pages that are generated from the code; `UPDATE_DOCS=1` writes them. */
function expectPart(file: string, name: string, lines: readonly string[]): void {
  const path = join(import.meta.dirname, '..', 'docs', file)
  const text = readFileSync(path, 'utf8')
  const part = new RegExp(`(<!-- ${name}: [^\\n]*-->\\n)[\\s\\S]*?(<!-- end -->)`)
  const wanted = text.replace(part, (_, start, end) => `${start}\n${lines.join('\n')}\n\n${end}`)
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, wanted)
  else
    expect(text, `${file} is out of date: UPDATE_DOCS=1 npx vitest run test/docs.test.ts`).toBe(
      wanted,
    )
}

test('docs/compatibility.md lists the requests that are answered', () => {
  const answered = new Set(handlers.map(({ api }) => api.key))
  expectPart('compatibility.md', 'requests', [
    '| Key | Request | Versions | Answered |',
    '| --- | --- | --- | --- |',
    ...kafkas.map(
      ({ key, name, min, max }) =>
        `| ${key} | ${name} | ${min}-${max} | ${answered.has(key) ? 'yes' : 'no'} |`,
    ),
  ])
})

describe('docs/protocol.md lists every message in every version', () => {
  const vectors = new Map<string, number>()
  const path = join(import.meta.dirname, 'golden', 'messages', 'all.jsonl.gz')
  for (const { message, version } of readVectors(path)) {
    const key = `${message} ${version}`
    vectors.set(key, (vectors.get(key) ?? 0) + 1)
  }
  const count = (message: string, version: number) => vectors.get(`${message} ${version}`) ?? 0
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i)
  const yes = (is: boolean) => (is ? 'yes' : 'no')

  test('requests and responses', () => {
    const answered = new Set(handlers.map(({ api }) => api.key))
    const rows = messages.flatMap(({ key, name, versions, stableMax }) => {
      const kafka = kafkas.find((one) => one.key === key)
      return range(...versions).map((version) => {
        const isAdvertised = kafka !== undefined && version >= kafka.min && version <= kafka.max
        const isAnswered = answered.has(key) && version <= stableMax
        const [asked, told] = [count(`${name}Request`, version), count(`${name}Response`, version)]
        const judged = `${asked} | ${told} | ${yes(isAdvertised)} | ${yes(isAnswered)}`
        return `| ${key} | ${name} | ${version} | yes | ${judged} |`
      })
    })
    expectPart('protocol.md', 'messages', [
      '| Key | Message | Version | Schema | Request vectors | Response vectors | Advertised | Answered |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      ...rows,
    ])
  })

  test('headers and records', () => {
    const rows = Object.entries(stored).flatMap(([folder, all]) =>
      all.flatMap(({ name, versions }) =>
        range(...versions).map(
          (version) => `| ${folder} | ${name} | ${version} | ${count(name, version)} |`,
        ),
      ),
    )
    expectPart('protocol.md', 'stored', [
      '| Folder | Record | Version | Vectors |',
      '| --- | --- | --- | --- |',
      ...rows,
    ])
  })
})

describe('docs/configuration.md lists every setting', () => {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
  const defaultOf = ({ default: text, sensitive }: ConfigDefinition) => {
    if (text === undefined) return 'must be set'
    if (text === null || sensitive === true) return 'none'
    return text === '' ? 'empty' : `\`${cell(text)}\``
  }
  const tables: readonly [string, ReadonlyMap<string, ConfigDefinition>, ConfigKind | null][] = [
    ['own', ownKeys, null],
    ['broker', brokerKeys, 'broker'],
    ['topic', topicKeys, 'topic'],
    ['group', groupKeys, 'group'],
    ['client-metrics', clientMetricsKeys, 'client-metrics'],
  ]
  test.each(tables)('of kind %s', (name, keys, kind) => {
    const shown = [...keys.values()].filter(({ internal }) => internal !== true)
    for (const key of shown) {
      const text = documentationOf(key.name) ?? 'no row in documentation.json'
      expect(text, key.name).toMatch(/^[A-Z*].*\.$/)
    }
    const isBroker = kind === 'broker' || kind === null
    const rows = shown.map((key) => {
      const isActing = kind === null || acts(kind, key.name)
      const changes = isBroker ? ` ${key.update ?? 'read-only'} |` : ''
      const start = `| ${key.name} | ${key.type.toLowerCase()} | ${defaultOf(key)} |${changes}`
      return `${start} ${isActing ? 'yes' : 'no'} | ${cell(documentationOf(key.name)!)} |`
    })
    expectPart('configuration.md', name, [
      `| Key | Type | Default |${isBroker ? ' Changes |' : ''} Acts | What it is for |`,
      `| --- | --- | --- |${isBroker ? ' --- |' : ''} --- | --- |`,
      ...rows,
    ])
  })
})
