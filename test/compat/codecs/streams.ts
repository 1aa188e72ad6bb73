import { seededWords } from '../../seeded.ts'
import type { Plain } from './plain.ts'

/**
 * A compressed payload, valid or with one fault, and the number of records that its batch claims.
 */
export interface Case {
  readonly title: string
  readonly payload: Buffer
  readonly count: number
}

export const caseOf = (title: string, { count }: Plain, ...parts: readonly Buffer[]): Case => ({
  title,
  payload: Buffer.concat(parts),
  count,
})

export const bytes = (...values: readonly number[]) => Buffer.from(values)

export function le32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32LE(value >>> 0)
  return out
}

export function be32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeInt32BE(value | 0)
  return out
}

/** Parts of a payload of records. */
export function split({ bytes: whole }: Plain, ...at: readonly number[]): Buffer[] {
  const ends = [...at, whole.length]
  return ends.map((end, i) => whole.subarray(ends[i - 1] ?? 0, end))
}

/** Data after a complete stream that does not belong to it. */
export function tails(title: string, plain: Plain, whole: Buffer): Case[] {
  const lengths = [1, 2, 3, 4, 5, 8, 12, 17, 18, 19, 26, 27, 40, 9_000]
  return lengths.flatMap((length) => [
    caseOf(`${title}, ${length} zeros behind`, plain, whole, Buffer.alloc(length)),
    caseOf(`${title}, ${length} of 0xa5 behind`, plain, whole, Buffer.alloc(length, 0xa5)),
  ])
}

/** The stream truncated in many places. */
export function cuts(title: string, plain: Plain, whole: Buffer): Case[] {
  const step = Math.max(1, Math.floor(whole.length / 40))
  const found: Case[] = []
  for (let end = 0; end < whole.length; end += step) {
    found.push(caseOf(`${title}, cut at ${end}`, plain, whole.subarray(0, end)))
  }
  for (let end = Math.max(0, whole.length - 12); end < whole.length; end++) {
    found.push(caseOf(`${title}, cut at ${end}`, plain, whole.subarray(0, end)))
  }
  return found
}

/** The stream with a changed byte, in seeded places. */
export function changed(title: string, plain: Plain, whole: Buffer, seed: number): Case[] {
  const next = seededWords(seed)
  return Array.from({ length: 60 }, () => {
    const wrong = Buffer.from(whole)
    const at = next() % whole.length
    wrong[at] = wrong[at]! ^ (1 + (next() % 255))
    return caseOf(`${title}, byte ${at} is ${wrong[at]} (seed ${seed})`, plain, wrong)
  })
}
