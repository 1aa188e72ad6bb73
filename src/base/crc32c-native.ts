import { fileURLToPath } from 'node:url'
import { type Koffi, withKoffi } from './koffi.ts'

/** CRC-32C of the digits 1 to 9, and of 100 repetitions, with which the native code is verified. */
const checked = { text: '123456789', sum: 0xe3069283, longSum: 0x482db52 }

/**
 * Loads CRC-32C with the processor's instruction in three streams (some 20 GB/s) or with its widest
 * registers (some 50 GB/s); see native/crc32c.c. Resolves with null if it is not compiled for this
 * platform, the processor lacks the instruction, or C cannot be called.
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
  // Relative to a bundle, to a chunk of a bundle, and to the source.
  const places = ['./native/', '../native/', '../../dist/native/']
  const paths = places.map((place) => fileURLToPath(new URL(place + name, import.meta.url)))
  for (const path of paths.slice(0, -1)) {
    try {
      return koffi.load(path)
    } catch {}
  }
  return koffi.load(paths.at(-1)!)
}
