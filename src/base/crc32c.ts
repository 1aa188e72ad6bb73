import { createRequire } from 'node:module'
import { loadNativeCrc32c } from './crc32c-native.ts'

const require = createRequire(import.meta.url)

type Crc32c = (bytes: Uint8Array) => number

/** So many bytes are summed before the quickest code is loaded: a broker for a test never waits for it. */
const bytesBeforeNative = 4 * 1024 * 1024

let sum = load()
let bytesUntilNative = bytesBeforeNative

/** Castagnoli's polynomial, as batches, producer snapshots and Kafka's other checksums use it. */
export function crc32c(bytes: Uint8Array): number {
  if (bytesUntilNative > 0) {
    bytesUntilNative -= bytes.length
    if (bytesUntilNative <= 0) {
      void loadNativeCrc32c().then((native) => {
        sum = native ?? sum
      })
    }
  }
  return sum(bytes)
}

/** Native code where a prebuilt package fits this machine (1-5 GB/s), else plain JavaScript. */
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
