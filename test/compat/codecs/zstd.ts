import { compress } from '@mongodb-js/zstd'
import { dense, long, short } from './plain.ts'
import { bytes, type Case, caseOf, changed, cuts, le32, split, tails } from './streams.ts'
import { xxh64 } from './xxh64.ts'

const magic = le32(0xfd2fb528)

const blockHeader = (kind: number, size: number, isLast: boolean) => {
  const out = Buffer.alloc(3)
  out.writeUIntLE(((size << 3) | (kind << 1) | (isLast ? 1 : 0)) >>> 0, 0, 3)
  return out
}
const raw = (plain: Buffer, isLast = true) =>
  Buffer.concat([blockHeader(0, plain.length, isLast), plain])

interface Shape {
  /** 0 to 3: none (or one byte of a single segment), two, four, eight bytes. */
  readonly sizeField?: number
  readonly size?: number
  readonly isSingle?: boolean
  readonly window?: number
  readonly dictionaryField?: number
  readonly dictionary?: number
  readonly hasSum?: boolean
  readonly sumXor?: number
  /** Bits 3 and 4 of the descriptor. */
  readonly otherBits?: number
}

function frame(plain: Buffer, blocks: readonly Buffer[], o: Shape = {}): Buffer {
  const { sizeField = 0, isSingle = false, window = 0x58, dictionaryField = 0, hasSum = false } = o
  const descriptor =
    (sizeField << 6) |
    (isSingle ? 0x20 : 0) |
    (o.otherBits ?? 0) |
    (hasSum ? 4 : 0) |
    dictionaryField
  const size = o.size ?? plain.length
  const sizes: Record<number, () => Buffer> = {
    0: () => (isSingle ? bytes(size & 255) : Buffer.alloc(0)),
    1: () => bytes((size - 256) & 255, ((size - 256) >> 8) & 255),
    2: () => le32(size),
    3: () => Buffer.concat([le32(size), le32(0)]),
  }
  const id = le32(o.dictionary ?? 0).subarray(0, [0, 1, 2, 4][dictionaryField])
  const sum = hasSum ? le32(Number(xxh64(plain) & 0xffffffffn) ^ (o.sumXor ?? 0)) : Buffer.alloc(0)
  const windowByte = isSingle ? Buffer.alloc(0) : bytes(window)
  return Buffer.concat([
    magic,
    bytes(descriptor),
    windowByte,
    id,
    sizes[sizeField]!(),
    ...blocks,
    sum,
  ])
}

const skippable = (content: number, kind = 0) =>
  Buffer.concat([le32(0x184d2a50 + kind), le32(content), Buffer.alloc(content)])

function headers(): Case[] {
  const { bytes: plain } = short
  const of = (title: string, o: Shape) => caseOf(title, short, frame(plain, [raw(plain)], o))
  const found: Case[] = []
  for (let window = 0; window < 256; window += window % 8 === 0 ? 1 : 7) {
    found.push(of(`window ${window}`, { window }))
    found.push(of(`window ${window}, size known`, { window, sizeField: 2 }))
  }
  for (const sizeField of [0, 1, 2, 3]) {
    for (const isSingle of [false, true]) {
      found.push(of(`size field ${sizeField}, single ${isSingle}`, { sizeField, isSingle }))
      for (const size of [0, plain.length + 1, plain.length - 1, 0x7fffffff, 2 ** 27 + 2]) {
        found.push(
          of(`size field ${sizeField}, single ${isSingle}, size ${size}`, {
            sizeField,
            isSingle,
            size,
          }),
        )
      }
    }
  }
  for (const dictionaryField of [0, 1, 2, 3]) {
    for (const dictionary of [0, 9]) {
      found.push(
        of(`dictionary field ${dictionaryField} of ${dictionary}`, { dictionaryField, dictionary }),
      )
    }
  }
  for (const otherBits of [8, 16, 24]) found.push(of(`descriptor bits ${otherBits}`, { otherBits }))
  found.push(
    of('a checksum', { hasSum: true }),
    of('a wrong checksum', { hasSum: true, sumXor: 1 }),
  )
  return found
}

function shaped(one: Buffer): Case[] {
  const { bytes: plain } = short
  const [a, b] = split(short, 40) as [Buffer, Buffer]
  const none = frame(Buffer.alloc(0), [blockHeader(0, 0, true)])
  const run = Buffer.concat([blockHeader(1, 200, true), bytes(0)])
  return [
    caseOf('two blocks', short, frame(plain, [raw(a, false), raw(b)])),
    caseOf('an empty block first', short, frame(plain, [blockHeader(0, 0, false), raw(plain)])),
    caseOf(
      'an empty block last',
      short,
      frame(plain, [raw(plain, false), blockHeader(0, 0, true)]),
    ),
    caseOf('two frames', short, frame(a, [raw(a)]), frame(b, [raw(b)])),
    caseOf('an empty frame first', short, none, one),
    caseOf('an empty frame between', short, frame(a, [raw(a)]), none, frame(b, [raw(b)])),
    caseOf('an empty frame last', short, one, none),
    caseOf('a second frame behind', short, one, one),
    caseOf('a run of zeros behind', short, one, frame(Buffer.alloc(200), [run])),
    caseOf('nothing', short),
    caseOf('an empty frame', short, none),
    ...[0, 1, 5, 70_000].flatMap((content) => [
      caseOf(`${content} to be skipped first`, short, skippable(content), one),
      caseOf(`${content} to be skipped last`, short, one, skippable(content, 15)),
    ]),
    caseOf('to be skipped between', short, frame(a, [raw(a)]), skippable(9), frame(b, [raw(b)])),
    caseOf('to be skipped, cut off', short, one, skippable(9).subarray(0, -1)),
    caseOf('to be skipped, its length cut off', short, one, skippable(9).subarray(0, 6)),
    caseOf('only to be skipped', short, skippable(9)),
    caseOf(
      'a reserved kind of block',
      short,
      frame(plain, [Buffer.concat([blockHeader(3, plain.length, true), plain])]),
    ),
    caseOf('no last block', short, frame(plain, [raw(plain, false)])),
    caseOf(
      'a block above 128 KB',
      dense,
      frame(dense.bytes, [
        raw(dense.bytes.subarray(0, 90_000), false),
        raw(dense.bytes.subarray(90_000)),
      ]),
    ),
    caseOf(
      'a block above its window',
      dense,
      frame(dense.bytes, [raw(dense.bytes)], { window: 0 }),
    ),
    caseOf(
      'blocks as large as their window',
      dense,
      frame(dense.bytes, blocksOf(dense.bytes, 1024), { window: 0 }),
    ),
    caseOf('a wrong magic', short, le32(0xfd2fb527), one.subarray(4)),
    caseOf('an old magic', short, le32(0xfd2fb525), one.subarray(4)),
  ]
}

function blocksOf(plain: Buffer, size: number): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < plain.length; at += size) {
    found.push(raw(plain.subarray(at, at + size), at + size >= plain.length))
  }
  return found
}

export async function zstdCases(): Promise<Case[]> {
  const plains = [short, long, dense]
  const made = await Promise.all(plains.map(({ bytes: plain }) => compress(plain)))
  const [one, large, hard] = made as [Buffer, Buffer, Buffer]
  return [
    ...plains.map((plain, i) => caseOf(`whole ${i}`, plain, made[i]!)),
    ...headers(),
    ...shaped(frame(short.bytes, [raw(short.bytes)])),
    ...tails('short', short, one),
    ...cuts('short', short, one),
    ...cuts('long', long, large),
    ...changed('short', short, one, 1),
    ...changed('long', long, large, 2),
    ...changed('dense', dense, hard, 3),
  ]
}
