import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Reads a file of the data directory of Apache Kafka in `golden/data-dir` (see its README.md). */
export function goldenFile(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'golden/data-dir', name))
}
