import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

type Crc32c = (bytes: Uint8Array) => number

/** Castagnoli's polynomial, as batches, producer snapshots and Kafka's other checksums use it. */
export const crc32c: Crc32c = load()

/** Native code where a prebuilt binary fits this machine (1-5 GB/s), else plain JavaScript. */
function load(): Crc32c {
  try {
    const native = require('@node-rs/crc32') as { crc32c: Crc32c }
    return native.crc32c
  } catch {
    return crc32cInJavaScript()
  }
}

/** The fallback, exported so that a test can hold it against the native one. */
export function crc32cInJavaScript(): Crc32c {
  const { buf } = require('crc-32/crc32c.js') as { buf(bytes: Uint8Array): number }
  return (bytes) => buf(bytes) >>> 0
}
