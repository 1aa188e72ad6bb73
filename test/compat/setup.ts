import type { TestProject } from 'vitest/node'
import { getKafka, javaMissing } from './kafka/jars.ts'
import { kcatMissing } from './kcat.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The reason why Java programs cannot run here, or null. */
    javaMissing: string | null
    /** The reason why kcat cannot run here, or null. */
    kcatMissing: string | null
  }
}

/** Prints the reason with any reporter; throws if the variable requires the program. */
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

/** Downloads Apache Kafka before the first suite, and provides what is missing to the suites. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('javaMissing', report('Java suites', await java(), 'ODRADEK_REQUIRE_JAVA'))
  project.provide('kcatMissing', report('kcat suites', await kcatMissing(), 'ODRADEK_REQUIRE_KCAT'))
}
