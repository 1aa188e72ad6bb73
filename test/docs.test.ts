import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { handlers } from '../src/server/handlers/index.ts'
import kafkas from './golden/api-versions.json' with { type: 'json' }

/** Pages that tell what the code does are written from the code; `UPDATE_DOCS=1` writes them. */
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
