import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file of the data directory that Apache Kafka left: see `golden/data-dir/README.md`. */
export function goldenFile(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, 'golden/data-dir', name))
}
