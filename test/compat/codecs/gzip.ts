import zlib from 'node:zlib'
import { dense, long, short } from './plain.ts'
import { bytes, type Case, caseOf, changed, cuts, le32, split, tails } from './streams.ts'

const crc32 = (of: Buffer) => {
  let sum = 0xffffffff
  for (const byte of of) {
    sum ^= byte
    for (let i = 0; i < 8; i++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1
  }
  return ~sum >>> 0
}

const fixed = (flags: number, method = 8): Buffer =>
  bytes(0x1f, 0x8b, method, flags, 1, 2, 3, 4, 2, 3)

/** A member with the given header. */
function member(
  plain: Buffer,
  header: Buffer = fixed(0),
  o: { crc?: number; size?: number } = {},
): Buffer {
  const content = zlib.deflateRawSync(plain)
  const crc = o.crc ?? crc32(plain)
  return Buffer.concat([header, content, le32(crc), le32(o.size ?? plain.length)])
}

const withHeaderSum = (header: Buffer, wrong = 0) => {
  const sum = crc32(header) & 0xffff
  return Buffer.concat([header, bytes((sum & 255) ^ wrong, sum >>> 8)])
}

function headers(): Case[] {
  const of = (title: string, header: Buffer) =>
    caseOf(`header: ${title}`, short, member(short.bytes, header))
  const found = Array.from({ length: 256 }, (_, flags) => {
    const parts = [fixed(flags)]
    if (flags & 4) parts.push(bytes(3, 0, 7, 7, 7))
    if (flags & 8) parts.push(Buffer.from('name\0'))
    if (flags & 16) parts.push(Buffer.from('comment\0'))
    const header = Buffer.concat(parts) as Buffer
    return of(`flags ${flags}`, flags & 2 ? withHeaderSum(header) : header)
  })
  found.push(of('method 7', fixed(0, 7)), of('method 0', fixed(0, 0)))
  found.push(of('no magic', bytes(0x1f, 0x8c, 8, 0, 0, 0, 0, 0, 0, 0)))
  found.push(of('a wrong sum', withHeaderSum(fixed(2), 1)))
  found.push(
    of('a wrong sum of a name', withHeaderSum(Buffer.concat([fixed(10), Buffer.from('n\0')]), 1)),
  )
  found.push(of('an extra field that is too long', Buffer.concat([fixed(4), bytes(255, 255)])))
  found.push(of('a name without end', Buffer.concat([fixed(8), Buffer.alloc(50, 1)])))
  found.push(of('an empty extra field', Buffer.concat([fixed(4), bytes(0, 0)])))
  return found
}

function members(): Case[] {
  const [a, b, c] = split(short, 5, 40) as [Buffer, Buffer, Buffer]
  const [la, lb] = split(long, 9_000) as [Buffer, Buffer]
  const none = member(Buffer.alloc(0))
  const one = member(short.bytes)
  const next = fixed(0)
  return [
    caseOf('two members', short, member(a), member(Buffer.concat([b, c]))),
    caseOf('three members', short, member(a), member(b), member(c)),
    caseOf('two long members', long, member(la), member(lb)),
    caseOf('an empty member first', short, none, one),
    caseOf('an empty member between', short, member(a), none, member(Buffer.concat([b, c]))),
    caseOf('an empty member last', short, one, none),
    caseOf('four empty members last', short, one, none, none, none, none),
    caseOf(
      'the second with flags',
      short,
      member(a),
      member(Buffer.concat([b, c]), Buffer.concat([fixed(8), Buffer.from('x\0')])),
    ),
    caseOf(
      'the second with a wrong sum',
      short,
      member(a),
      member(Buffer.concat([b, c]), fixed(0), { crc: 1 }),
    ),
    caseOf(
      'the second with a wrong size',
      short,
      member(a),
      member(Buffer.concat([b, c]), fixed(0), { size: 1 }),
    ),
    caseOf(
      'the second with a wrong method',
      short,
      member(a),
      member(Buffer.concat([b, c]), fixed(0, 9)),
    ),
    caseOf('records, and a second member', short, one, one),
    caseOf(
      'records, and an empty member with a wrong sum',
      short,
      one,
      member(Buffer.alloc(0), fixed(0), { crc: 5 }),
    ),
    caseOf('a wrong sum', short, member(short.bytes, fixed(0), { crc: 1 })),
    caseOf('a wrong size', short, member(short.bytes, fixed(0), { size: 1 })),
    caseOf('nothing', short),
    caseOf('an empty member', short, none),
    caseOf('a header behind', short, one, next),
    caseOf('a header and 8 bytes behind', short, one, next, Buffer.alloc(8)),
    caseOf('a header and 9 bytes behind', short, one, next, Buffer.alloc(9)),
    caseOf('a header and 20 bytes behind', short, one, next, Buffer.alloc(20)),
    caseOf('half a header behind', short, one, next.subarray(0, 5)),
    caseOf('zlib instead', short, zlib.deflateSync(short.bytes)),
    caseOf('bare deflate instead', short, zlib.deflateRawSync(short.bytes)),
  ]
}

/** The end of Java's buffer of 8 KB decides whether it reads what follows. */
function edges(): Case[] {
  const found: Case[] = []
  const stored = zlib.deflateRawSync(dense.bytes, { level: 0 })
  for (const rest of [0, 1, 8, 9, 18, 26, 27, 30]) {
    // The first member ends this many bytes before a multiple of 8192 after its header.
    const content = 8192 - rest
    const plain = dense.bytes.subarray(0, content - 5)
    const first = Buffer.concat([
      fixed(0),
      bytes(
        1,
        plain.length & 255,
        plain.length >> 8,
        ~plain.length & 255,
        (~plain.length >> 8) & 255,
      ),
      plain,
      le32(crc32(plain)),
      le32(plain.length),
    ])
    const second = member(dense.bytes.subarray(plain.length))
    found.push(
      caseOf(`the first member ends ${rest} before Java's buffer does`, dense, first, second),
    )
  }
  found.push(
    caseOf(
      'stored, not compressed',
      dense,
      fixed(0),
      stored,
      le32(crc32(dense.bytes)),
      le32(dense.bytes.length),
    ),
  )
  return found
}

export function gzipCases(): Case[] {
  const one = member(short.bytes)
  const large = member(long.bytes)
  return [
    ...[1, 6, 9].map((level) =>
      caseOf(`level ${level}`, dense, zlib.gzipSync(dense.bytes, { level })),
    ),
    ...headers(),
    ...members(),
    ...edges(),
    ...tails('short', short, one),
    ...tails('long', long, large),
    ...cuts('short', short, one),
    ...cuts('long', long, large),
    ...changed('short', short, one, 1),
    ...changed('long', long, large, 2),
    ...changed('dense', dense, member(dense.bytes), 3),
  ]
}
