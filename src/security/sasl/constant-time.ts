import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares secrets in a time that tells nothing of where they differ, or of their lengths. */
export function equalInConstantTime(a: string | Buffer, b: string | Buffer): boolean {
  const digest = (secret: string | Buffer) => createHash('sha256').update(secret).digest()
  return timingSafeEqual(digest(a), digest(b))
}
