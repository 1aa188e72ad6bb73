import type { TestProject } from 'vitest/node'
import { getKafka, javaMissing } from './kafka/jars.ts'
import { kcatMissing } from './kcat.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Why Java programs cannot run here, or null. */
    javaMissing: string | null
    /** Why kcat cannot run here, or null. */
    kcatMissing: string | null
  }
}

/** Visible whatever the reporter; fatal where the variable says that the program must be there. */
function report(what: string, missing: string | null, requiredBy: string): string | null {
  if (missing === null) return null
  const line = `${what} are SKIPPED: ${missing}`
  if (process.env[requiredBy] === '1') throw new Error(`${line} (and ${requiredBy}=1 asks for it)`)
  process.stderr.write(`\n  ${line}. ${requiredBy}=1 turns this into a failure.\n\n`)
  return missing
}

async function java(): Promise<string | null> {
  const missing = await javaMissing()
  if (missing !== null) return missing
  try {
    await getKafka()
    return null
  } catch (error) {
    return `Maven cannot bring Apache Kafka: ${String(error).split('\n').slice(0, 4).join(' ')}`
  }
}

/** Brings Apache Kafka before the first suite, and tells the suites what they can use. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('javaMissing', report('Java suites', await java(), 'ODRADEK_REQUIRE_JAVA'))
  project.provide('kcatMissing', report('kcat suites', await kcatMissing(), 'ODRADEK_REQUIRE_KCAT'))
}
