import { createRequire } from 'node:module'
import { loadNativeCrc32c } from './crc32c-native.ts'

const require = createRequire(import.meta.url)

type Crc32c = (bytes: Uint8Array) => number

/**
 * Bytes to process before the fastest code is loaded, so that a short-lived test broker never waits
 * for it.
 */
const bytesBeforeNative = 4 * 1024 * 1024

let sum = load()
let bytesUntilNative = bytesBeforeNative

/** Returns the CRC-32C (Castagnoli) of batches, producer snapshots and Kafka's other checksums. */
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

/** Loads native code if there is a prebuilt package (1-5 GB/s), otherwise plain JavaScript. */
function load(): Crc32c {
  try {
    const native = require('@node-rs/crc32') as { crc32c: Crc32c }
    return native.crc32c
  } catch {
    return crc32cInJavaScript()
  }
}

/** Returns the JavaScript fallback; exported to be compared with the native code in a test. */
export function crc32cInJavaScript(): Crc32c {
  const { buf } = require('crc-32/crc32c.js') as { buf(bytes: Uint8Array): number }
  return (bytes) => buf(bytes) >>> 0
}
