import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)

/** Where `native/` is, seen from the source and from the bundles. */
const places = ['../../native/', '../native/']
/** What every CRC is checked with: the sum of the digits 1 to 9. */
const checked = { text: '123456789', sum: 0xe3069283 }

/**
 * CRC-32C by the processor's own instruction in three streams at a time (native/crc32c.c): some 20 GB/s.
 * Null where it is not compiled for this platform, the processor lacks the instruction, or `koffi`, the
 * optional package that makes calls of C, is not installed. Takes some 10 ms.
 */
export async function loadNativeCrc32c(): Promise<((bytes: Uint8Array) => number) | null> {
  if (process.platform !== 'linux') return null
  const file = libraryFile(`crc32c-linux-${process.arch}.so`)
  if (file === null) return null
  try {
    const { default: koffi } = await import('koffi')
    const library = koffi.load(file)
    if (library.func('int odradek_crc32c_usable()')() !== 1) return null
    const sum = library.func('uint32_t odradek_crc32c(const void *bytes, size_t length)')
    const crc32c = (bytes: Uint8Array): number => sum(bytes, bytes.length)
    return crc32c(Buffer.from(checked.text)) === checked.sum ? crc32c : null
  } catch {
    return null
  }
}

function libraryFile(name: string): string | null {
  for (const place of places) {
    try {
      return require.resolve(fileURLToPath(new URL(place + name, import.meta.url)))
    } catch {}
  }
  return null
}
