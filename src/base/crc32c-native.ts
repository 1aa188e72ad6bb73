import { fileURLToPath } from 'node:url'
import { type Koffi, withKoffi } from './koffi.ts'

/** What every CRC is checked with: the sum of the digits 1 to 9. */
const checked = { text: '123456789', sum: 0xe3069283 }

/**
 * CRC-32C by the processor's own instruction in three streams at a time (native/crc32c.c): some 20 GB/s.
 * Null where it is not compiled for this platform, the processor lacks the instruction, or C cannot be
 * called.
 */
export function loadNativeCrc32c(): Promise<((bytes: Uint8Array) => number) | null> {
  return withKoffi((koffi) => {
    const library = load(koffi, `crc32c-linux-${process.arch}.so`)
    if (library.func('int odradek_crc32c_usable()')() !== 1) return null
    const sum = library.func('uint32_t odradek_crc32c(const void *bytes, size_t length)')
    const crc32c = (bytes: Uint8Array): number => sum(bytes, bytes.length)
    return crc32c(Buffer.from(checked.text)) === checked.sum ? crc32c : null
  })
}

function load(koffi: Koffi, name: string) {
  const from = (place: string) => koffi.load(fileURLToPath(new URL(place + name, import.meta.url)))
  try {
    return from('../native/') // seen from the bundles
  } catch {
    return from('../../native/') // and from the source
  }
}
