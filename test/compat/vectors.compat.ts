import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { judge, layouts, readVectors } from '../protocol/vectors.ts'
import { newSeeds } from '../seeded.ts'
import { jarsOf } from './kafka/jars.ts'
import { compile, startJava } from './kafka/java.ts'
import { projectRoot } from './project-root.ts'

/** The seed of the vectors in `test/golden`; other runs use a new one. */
const keptSeed = 1
const keptRandomCases = 4
const freshRandomCases = 8

const kept = join(projectRoot, 'test', 'golden', 'messages', 'all.jsonl.gz')

async function generate(seed: number, randomCases: number, file: string): Promise<string> {
  const extra = [await compile(), ...jarsOf('server').filter((jar) => /^kafka/.test(basename(jar)))]
  const args = [String(seed), String(randomCases), file]
  const program = startJava('MessageVectors', args, { classes: 'server', extra })
  const { code, stdout, stderr } = await program.finished
  expect(code, stderr).toBe(0)
  return stdout
}

describe.skipIf(inject('javaMissing') !== null)("messages of Kafka's own classes", () => {
  const title = 'are read and written byte for byte, whatever is in them (ODRADEK_SEED=%d)'
  test.each(newSeeds())(title, async (seed) => {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-vectors-'))
    try {
      const file = join(folder, 'vectors.jsonl.gz')
      process.stdout.write(`  ${await generate(seed, freshRandomCases, file)}`)
      const names = new Set<string>()
      for (const vector of readVectors(file)) {
        names.add(vector.message)
        const { read, readExpected, bytesLeft, rewritten, written } = judge(vector)
        const where = `ODRADEK_SEED=${seed}: ${vector.message} v${vector.version} ${vector.hex}`
        expect(bytesLeft, where).toBe(0)
        expect(read, where).toEqual(readExpected)
        expect(rewritten, where).toBe(vector.hex)
        expect(written, where).toBe(vector.hex)
      }
      expect([...names].toSorted()).toEqual([...layouts.keys()].toSorted())
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('the kept vectors are what the generator writes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'odradek-vectors-'))
    try {
      const file = join(folder, 'vectors.jsonl.gz')
      await generate(keptSeed, keptRandomCases, file)
      if (process.env.UPDATE_GOLDEN === '1') copyFileSync(file, kept)
      expect(readVectors(kept)).toEqual(readVectors(file))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
