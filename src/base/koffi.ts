export type Koffi = typeof import('koffi').default

/**
 * What `declare` makes of `koffi`, the optional package that makes calls of C. Null where the package is
 * not installed, `declare` throws, or the platform is another than Linux on x64 or arm64: there a long
 * has 64 bits, and what we call is known to be there. Takes some 10 ms.
 */
export async function withKoffi<T>(declare: (koffi: Koffi) => T | null): Promise<T | null> {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return null
  try {
    const { default: koffi } = await import('koffi')
    return declare(koffi)
  } catch {
    return null
  }
}

/** As `withKoffi`, at the first call; all calls share what came of it. */
export function onceWithKoffi<T>(declare: (koffi: Koffi) => T | null): () => Promise<T | null> {
  let made: Promise<T | null> | undefined
  return () => {
    made ??= withKoffi(declare)
    return made
  }
}
