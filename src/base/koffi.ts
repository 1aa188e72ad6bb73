export type Koffi = typeof import('koffi').default

/**
 * Calls `declare` with `koffi`, the optional package that calls C functions. Resolves with null if
 * the package is not installed, `declare` throws, or the platform is not Linux on x64 or arm64:
 * there a long has 64 bits and the called functions exist. Takes some 10 ms.
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

/** Like `withKoffi`, but lazy: runs on the first call, and all calls share its result. */
export function onceWithKoffi<T>(declare: (koffi: Koffi) => T | null): () => Promise<T | null> {
  let made: Promise<T | null> | undefined
  return () => {
    made ??= withKoffi(declare)
    return made
  }
}
