import { compressSync } from 'lz4-napi'
import { xxh32 } from '../../../src/base/xxh32.ts'
import { dense, long, type Plain, short } from './plain.ts'
import { bytes, type Case, caseOf, changed, cuts, le32, split, tails } from './streams.ts'

const magic = le32(0x184d2204)
const endMark = le32(0)
const flag = {
  dictionary: 1,
  reserved: 2,
  contentSum: 4,
  contentSize: 8,
  blockSum: 16,
  independent: 32,
  version1: 64,
}
const usual = flag.independent | flag.version1

const compressed = (plain: Buffer) => compressSync(plain).subarray(4)

interface Shape {
  readonly flags?: number
  readonly descriptor?: number
  readonly contentSize?: number
  /** Changes to the checksums, by xor. */
  readonly headerSum?: number
  readonly contentSum?: number
  readonly blockSum?: number
  readonly ends?: boolean
}

function header(
  { flags = usual, descriptor = 0x40, contentSize, headerSum = 0 }: Shape,
  plain: Buffer,
): Buffer {
  const parts: Buffer[] = [bytes(flags, descriptor)]
  if (flags & flag.contentSize) parts.push(le32(contentSize ?? plain.length), le32(0))
  if (flags & flag.dictionary) parts.push(le32(7))
  const described = Buffer.concat(parts)
  return Buffer.concat([magic, described, bytes(((xxh32(described) >>> 8) & 255) ^ headerSum)])
}

/** A frame with the given blocks. */
function frame(plain: Buffer, blocks: readonly Buffer[], shape: Shape = {}): Buffer {
  const { flags = usual, contentSum = 0, blockSum = 0, ends = true } = shape
  const written = blocks.flatMap((block) => [
    block,
    ...(flags & flag.blockSum ? [le32(xxh32(block.subarray(4)) ^ blockSum)] : []),
  ])
  const end = ends
    ? [endMark, ...(flags & flag.contentSum ? [le32(xxh32(plain) ^ contentSum)] : [])]
    : []
  return Buffer.concat([header(shape, plain), ...written, ...end])
}

const block = (plain: Buffer) => {
  const content = compressed(plain)
  return Buffer.concat([le32(content.length), content])
}
const stored = (plain: Buffer) => Buffer.concat([le32(plain.length + 0x80000000), plain])
const blocksOf = (plain: Buffer, size: number, of = block) => {
  const found: Buffer[] = []
  for (let at = 0; at < plain.length; at += size) found.push(of(plain.subarray(at, at + size)))
  return found
}

const whole = ({ bytes: plain }: Plain, size = 65536) => frame(plain, blocksOf(plain, size))

function flagged(): Case[] {
  const { bytes: plain } = short
  const found: Case[] = []
  for (let flags = 0; flags < 256; flags++) {
    found.push(caseOf(`flags ${flags}`, short, frame(plain, [block(plain)], { flags })))
  }
  for (let descriptor = 0; descriptor < 256; descriptor += descriptor % 16 === 0 ? 1 : 15) {
    found.push(
      caseOf(`descriptor ${descriptor}`, short, frame(plain, [block(plain)], { descriptor })),
    )
  }
  const sized = usual | flag.contentSize
  const summed = usual | flag.contentSum
  const blockSummed = usual | flag.blockSum
  return [
    ...found,
    caseOf(
      'a wrong content size',
      short,
      frame(plain, [block(plain)], { flags: sized, contentSize: 3 }),
    ),
    caseOf(
      'a wrong content checksum',
      short,
      frame(plain, [block(plain)], { flags: summed, contentSum: 1 }),
    ),
    caseOf(
      'a content checksum that is missing',
      short,
      frame(plain, [block(plain)], { flags: summed }).subarray(0, -4),
    ),
    caseOf(
      'half a content checksum',
      short,
      frame(plain, [block(plain)], { flags: summed }).subarray(0, -2),
    ),
    caseOf(
      'a wrong block checksum',
      short,
      frame(plain, [block(plain)], { flags: blockSummed, blockSum: 1 }),
    ),
    caseOf(
      'block checksums',
      long,
      frame(long.bytes, blocksOf(long.bytes, 9_000), { flags: blockSummed }),
    ),
    caseOf('a wrong header checksum', short, frame(plain, [block(plain)], { headerSum: 1 })),
  ]
}

/** A second block that refers to data of the first. */
function dependent(): Case[] {
  const { bytes: plain } = short
  const first = plain.subarray(0, 40)
  const rest = plain.subarray(40)
  const repeated = Buffer.concat([first, first.subarray(0, 20)])
  // Twenty bytes from forty before the block, which only a reader of dependent blocks has.
  const reference = bytes(0x0f, 40, 0, 1, 0x50)
  const tail = Buffer.concat([reference, repeated.subarray(0, 5)])
  const linked = Buffer.concat([le32(tail.length), tail])
  return [usual, usual & ~flag.independent].flatMap((flags) => [
    caseOf(
      `a block that depends on the one before, flags ${flags}`,
      short,
      frame(plain, [block(first), linked, block(rest)], { flags }),
    ),
    caseOf(
      `flags ${flags}, blocks that do not depend`,
      short,
      frame(plain, [block(first), block(rest)], { flags }),
    ),
    caseOf(`flags ${flags}, one block`, short, frame(plain, [block(plain)], { flags })),
  ])
}

function shaped(): Case[] {
  const { bytes: plain } = short
  const [a, b] = split(short, 40) as [Buffer, Buffer]
  const one = whole(short)
  const skippable = Buffer.concat([le32(0x184d2a50), le32(5), Buffer.alloc(5)])
  const empty = Buffer.concat([le32(1), bytes(0)])
  const claimed = (length: number) => Buffer.concat([le32(length), compressed(plain)])
  return [
    caseOf('two blocks', short, frame(plain, [block(a), block(b)])),
    caseOf('stored', short, frame(plain, [stored(plain)])),
    caseOf('stored and compressed', short, frame(plain, [stored(a), block(b)])),
    caseOf('two frames', short, frame(a, [block(a)]), frame(b, [block(b)])),
    caseOf('a second frame behind', short, one, one),
    caseOf('a skippable frame first', short, skippable, one),
    caseOf('a skippable frame behind', short, one, skippable),
    caseOf('no end mark', short, frame(plain, [block(plain)], { ends: false })),
    caseOf('no block', short, frame(plain, [])),
    caseOf('nothing', short),
    caseOf('an empty block first', short, frame(plain, [empty, block(plain)])),
    caseOf('an empty block between', short, frame(plain, [block(a), empty, block(b)])),
    caseOf('an empty block last', short, frame(plain, [block(plain), empty])),
    caseOf('two empty blocks last', short, frame(plain, [block(plain), empty, empty])),
    caseOf('an empty block last, and more', short, frame(plain, [block(plain), empty, block(a)])),
    caseOf('a stored block of nothing last', short, frame(plain, [block(plain), le32(0x80000000)])),
    caseOf(
      'a block that is too short',
      short,
      frame(plain, [claimed(compressed(plain).length - 1)]),
    ),
    caseOf(
      'a block that is too long',
      short,
      frame(plain, [claimed(compressed(plain).length + 1)]),
    ),
    caseOf('a block above the maximum', short, frame(plain, [claimed(70_000)])),
    caseOf('a block of 2^31 - 1', short, frame(plain, [claimed(0x7fffffff)])),
    caseOf(
      'a stored block above the maximum',
      dense,
      frame(dense.bytes, blocksOf(dense.bytes, 65_537, stored)),
    ),
    caseOf(
      'blocks that unfold to more than the maximum',
      long,
      frame(long.bytes, blocksOf(long.bytes, 65_537)),
    ),
    caseOf(
      'blocks of 256 KB',
      long,
      frame(long.bytes, blocksOf(long.bytes, 262_144), { descriptor: 0x50 }),
    ),
    caseOf(
      'blocks of 4 MB',
      dense,
      frame(dense.bytes, blocksOf(dense.bytes, 4 << 20), { descriptor: 0x70 }),
    ),
    caseOf('the old magic', short, le32(0x184c2102), block(plain)),
    caseOf(
      'a copy from nowhere',
      short,
      frame(plain, [Buffer.concat([le32(4), bytes(0x10, 1, 0, 0)])]),
    ),
    caseOf(
      'a copy from before the start',
      short,
      frame(plain, [Buffer.concat([le32(4), bytes(0x10, 1, 9, 0)])]),
    ),
    ...[0, 1, 2, 4, 8].map((literals) => shortTail(literals)),
  ]
}

/** A block whose last sequence has fewer literals than the format requires. */
function shortTail(literals: number): Case {
  const { bytes: plain } = short
  const end = plain.length
  const copied = 20
  const head = plain.subarray(0, end - copied - literals)
  // The value repeats every nineteen bytes.
  const length = copied - 4
  const sequence = Buffer.concat([
    bytes(0xf0 | Math.min(15, length), head.length - 15),
    head,
    bytes(19, 0, ...(length >= 15 ? [length - 15] : [])),
  ])
  const last = Buffer.concat([bytes(literals << 4), plain.subarray(end - literals)])
  const content = Buffer.concat([sequence, last])
  return caseOf(
    `${literals} literals last`,
    short,
    frame(plain, [Buffer.concat([le32(content.length), content])]),
  )
}

export function lz4Cases(): Case[] {
  return [
    ...[short, long, dense].map((plain, i) => caseOf(`whole ${i}`, plain, whole(plain))),
    ...flagged(),
    ...dependent(),
    ...shaped(),
    ...tails('short', short, whole(short)),
    ...cuts('short', short, whole(short)),
    ...cuts('long', long, whole(long, 9_000)),
    ...changed('short', short, whole(short), 1),
    ...changed('long', long, whole(long), 2),
    ...changed('dense', dense, whole(dense), 3),
  ]
}
