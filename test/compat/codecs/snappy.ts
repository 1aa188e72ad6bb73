import snappy from 'snappy'
import { dense, long, short } from './plain.ts'
import { be32, bytes, type Case, caseOf, changed, cuts, split, tails } from './streams.ts'

const magic = bytes(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0)
const header = (version = 1, oldest = 1) => Buffer.concat([magic, be32(version), be32(oldest)])

function block(plain: Buffer): Buffer {
  const compressed = snappy.compressSync(plain)
  return Buffer.concat([be32(compressed.length), compressed])
}

const whole = (plain: Buffer, size = 32 * 1024) => {
  const blocks: Buffer[] = []
  for (let at = 0; at < plain.length; at += size) blocks.push(block(plain.subarray(at, at + size)))
  return Buffer.concat([header(), ...blocks])
}

function framed(): Case[] {
  const [a, b, c] = split(short, 5, 40) as [Buffer, Buffer, Buffer]
  const rest = Buffer.concat([b, c])
  const versions = [-1, 0, 1, 2, 77]
  const notHeader = Buffer.concat([magic.subarray(0, 4), Buffer.alloc(12, 9)])
  const raw = snappy.compressSync(short.bytes)
  const claimed = (length: number) => Buffer.concat([be32(length), raw])
  const lying = Buffer.from(raw)
  lying[0] = lying[0]! + 1
  const emptyBlock = block(Buffer.alloc(0))
  return [
    ...versions.flatMap((version) =>
      versions.flatMap((oldest) => [
        caseOf(`version ${version}, ${oldest}`, short, header(version, oldest), block(short.bytes)),
        caseOf(
          `joined, version ${version}, ${oldest}`,
          short,
          header(),
          block(a),
          header(version, oldest),
          block(rest),
        ),
      ]),
    ),
    caseOf('three blocks', short, header(), block(a), block(b), block(c)),
    caseOf('a header at once again', short, header(), header(), block(short.bytes)),
    caseOf('a header last', short, header(), block(short.bytes), header()),
    caseOf('half a header last', short, header(), block(short.bytes), header().subarray(0, 9)),
    caseOf('what only begins like a header, first', short, header(), notHeader, block(short.bytes)),
    caseOf(
      'what only begins like a header, between',
      short,
      header(),
      block(a),
      notHeader,
      block(rest),
    ),
    caseOf(
      'what only begins like a header, twice',
      short,
      header(),
      block(a),
      notHeader,
      notHeader,
      block(rest),
    ),
    caseOf('what only begins like a header, last', short, header(), block(short.bytes), notHeader),
    caseOf(
      'what only begins like a header, and more',
      short,
      header(),
      block(short.bytes),
      notHeader,
      block(a),
    ),
    caseOf('an empty block first', short, header(), emptyBlock, block(short.bytes)),
    caseOf('an empty block between', short, header(), block(a), emptyBlock, block(rest)),
    caseOf('an empty block last', short, header(), block(short.bytes), emptyBlock),
    caseOf('a block of no bytes', short, header(), be32(0), block(short.bytes)),
    caseOf('a block of no bytes last', short, header(), block(short.bytes), be32(0)),
    caseOf('a negative length', short, header(), claimed(-5)),
    caseOf('a length of 2^31 - 1', short, header(), claimed(0x7fffffff)),
    caseOf('a length of 512 MB and one', short, header(), claimed(512 * 1024 * 1024 + 1)),
    caseOf('a length one too small', short, header(), claimed(raw.length - 1)),
    caseOf('a length one too large', short, header(), claimed(raw.length + 1)),
    caseOf('a block that claims a byte more', short, header(), be32(lying.length), lying),
    caseOf('a header alone', short, header()),
    caseOf('nothing', short),
    caseOf('bare', short, raw),
    caseOf('bare, long', long, snappy.compressSync(long.bytes)),
    caseOf('bare, dense', dense, snappy.compressSync(dense.bytes)),
    caseOf('bare, claims a byte more', short, lying),
    caseOf('bare, of fifteen bytes', short, raw.subarray(0, 15)),
    caseOf('bare, claims 4 GB', short, bytes(0xff, 0xff, 0xff, 0xff, 0x0f), raw.subarray(1)),
    caseOf('framed, claims 4 GB', short, header(), be32(6), bytes(0xff, 0xff, 0xff, 0xff, 0x0f, 0)),
    caseOf(
      'a size of six bytes',
      short,
      bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
      raw.subarray(1),
    ),
    caseOf(
      'a size that is longer than it need be',
      short,
      bytes(raw[0]! | 0x80, 0),
      raw.subarray(1),
    ),
    caseOf(
      'the framing of snappy itself',
      short,
      bytes(0xff, 6, 0, 0),
      Buffer.from('sNaPpY'),
      block(short.bytes),
    ),
  ]
}

/**
 * Elements written by hand: literals with each length of length, copies of each kind, near and far.
 */
function elements(): Case[] {
  const { bytes: plain } = short
  const size = bytes(plain.length)
  const literal = (from: number, to: number) =>
    Buffer.concat([bytes(60 << 2, to - from - 1), plain.subarray(from, to)])
  const two = (from: number, to: number) =>
    Buffer.concat([bytes(61 << 2, to - from - 1, 0), plain.subarray(from, to)])
  const four = (from: number, to: number) =>
    Buffer.concat([bytes(63 << 2, to - from - 1, 0, 0, 0), plain.subarray(from, to)])
  const end = plain.length
  return [
    caseOf('literals of one byte of length', short, size, literal(0, 30), literal(30, end)),
    caseOf('literals of two and four', short, size, two(0, 30), four(30, end)),
    caseOf('a copy from nowhere', short, size, literal(0, 30), bytes(1, 0)),
    caseOf(
      'a copy from before the start',
      short,
      size,
      literal(0, 30),
      bytes(0x09, 200),
      literal(36, end),
    ),
    caseOf('a copy beyond the end', short, size, literal(0, end), bytes(0x09, 4)),
    caseOf('a byte too few', short, size, literal(0, end - 1)),
  ]
}

export function snappyCases(): Case[] {
  return [
    ...[100, 1024, 32 * 1024, 1024 * 1024].flatMap((size) => [
      caseOf(`blocks of ${size}`, long, whole(long.bytes, size)),
      caseOf(`dense blocks of ${size}`, dense, whole(dense.bytes, size)),
    ]),
    ...framed(),
    ...elements(),
    ...tails('short', short, whole(short.bytes)),
    ...tails('bare', short, snappy.compressSync(short.bytes)),
    ...cuts('short', short, whole(short.bytes, 30)),
    ...cuts('long', long, whole(long.bytes, 4096)),
    ...cuts('bare', short, snappy.compressSync(short.bytes)),
    ...changed('short', short, whole(short.bytes, 30), 1),
    ...changed('long', long, whole(long.bytes), 2),
    ...changed('bare', short, snappy.compressSync(short.bytes), 3),
    ...changed('dense', dense, whole(dense.bytes), 4),
  ]
}
