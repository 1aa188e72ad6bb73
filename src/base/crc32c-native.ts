import { fileURLToPath } from 'node:url'
import { type Koffi, withKoffi } from './koffi.ts'

/** What every CRC is checked with: the sum of the digits 1 to 9; and of a hundred times these. */
const checked = { text: '123456789', sum: 0xe3069283, longSum: 0x482db52 }

/**
 * CRC-32C by the processor's own instruction in three streams at a time, or in its widest registers
 * (native/crc32c.c): some 20 GB/s, or 50. Null where it is not compiled for this platform, the processor
 * lacks the instruction, or C cannot be called.
 */
export function loadNativeCrc32c(): Promise<((bytes: Uint8Array) => number) | null> {
  return withKoffi((koffi) => {
    const library = load(koffi, `crc32c-linux-${process.arch}.so`)
    const usable = library.func('int odradek_crc32c_usable()')() as number
    if (usable === 0) return null
    const name = usable === 2 ? 'odradek_crc32c_wide' : 'odradek_crc32c'
    const sum = library.func(`uint32_t ${name}(const void *bytes, size_t length)`)
    const crc32c = (bytes: Uint8Array): number => sum(bytes, bytes.length)
    const isRight =
      crc32c(Buffer.from(checked.text)) === checked.sum &&
      crc32c(Buffer.from(checked.text.repeat(100))) === checked.longSum
    return isRight ? crc32c : null
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
