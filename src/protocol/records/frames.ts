/**
 * What the headers of compressed frames say about the size of their content: enough to refuse a bomb
 * before it is decompressed. And the two framings of snappy: bare, and the xerial blocks of Java.
 */

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
/** Magic, version and the oldest version that can read it. */
const xerialHeaderBytes = 16
const xerialBlockBytes = 32 * 1024

/** The bare snappy blocks that make up a payload, and how many bytes they decompress to. */
export function snappyParts(payload: Buffer): { parts: Buffer[]; bytes: number } {
  if (!payload.subarray(0, xerialMagic.length).equals(xerialMagic)) {
    return { parts: [payload], bytes: snappyBytes(payload) }
  }
  const parts: Buffer[] = []
  let bytes = 0
  let at = xerialHeaderBytes
  while (at < payload.length) {
    // Streams may be joined: a header may stand where a block could.
    if (payload.subarray(at, at + xerialMagic.length).equals(xerialMagic)) {
      at += xerialHeaderBytes
      continue
    }
    if (at + 4 > payload.length) throw new Error('a snappy block is cut off')
    const length = payload.readInt32BE(at)
    const part = payload.subarray(at + 4, at + 4 + length)
    if (length <= 0 || part.length < length) throw new Error('a snappy block is cut off')
    parts.push(part)
    bytes += snappyBytes(part)
    at += 4 + length
  }
  if (parts.length === 0) throw new Error('a snappy stream without a block')
  return { parts, bytes }
}

/** A snappy block starts with its decompressed size as a varint. */
function snappyBytes(block: Buffer): number {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  throw new Error('a snappy block without its size')
}

/** Snappy as the Java client writes it. */
export function xerialFrame(bytes: Buffer, compressBlock: (block: Buffer) => Buffer): Buffer {
  const header = Buffer.alloc(xerialHeaderBytes)
  xerialMagic.copy(header)
  header.writeInt32BE(1, 8)
  header.writeInt32BE(1, 12)
  const parts: Buffer[] = [header]
  for (let from = 0; from < bytes.length; from += xerialBlockBytes) {
    const block = compressBlock(bytes.subarray(from, from + xerialBlockBytes))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

const lz4Magic = 0x184d2204
/** One byte of an lz4 block stands for at most this many: the block bound of the format. */
const lz4Ratio = 255

/** An upper bound of what the lz4 frames decompress to, from the sizes of their blocks. */
export function lz4BytesAtMost(payload: Buffer): number {
  let bytes = 0
  let at = 0
  while (at + 7 <= payload.length) {
    const magic = payload.readUInt32LE(at)
    if (isSkippable(magic)) {
      at += 8 + payload.readUInt32LE(at + 4)
      continue
    }
    if (magic !== lz4Magic) throw new Error('not an lz4 frame')
    const flags = payload[at + 4]!
    const blockBytesMax = 2 ** (8 + 2 * ((payload[at + 5]! >> 4) & 7))
    at += 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0)
    for (;;) {
      if (at + 4 > payload.length) throw new Error('an lz4 frame is cut off')
      const word = payload.readUInt32LE(at)
      at += 4
      if (word === 0) break
      const size = word & 0x7fffffff
      bytes += word >>> 31 ? size : Math.min(blockBytesMax, size * lz4Ratio)
      at += size + (flags & 0x10 ? 4 : 0)
    }
    if (flags & 0x04) at += 4
  }
  return bytes
}

const zstdMagic = 0xfd2fb528
const zstdBlockBytesMax = 128 * 1024

/** An upper bound of what the zstd frames decompress to, from the headers of their blocks. */
export function zstdBytesAtMost(payload: Buffer): number {
  let bytes = 0
  let at = 0
  while (at < payload.length) {
    if (at + 8 > payload.length) throw new Error('a zstd frame is cut off')
    const magic = payload.readUInt32LE(at)
    if (isSkippable(magic)) {
      at += 8 + payload.readUInt32LE(at + 4)
      continue
    }
    if (magic !== zstdMagic) throw new Error('not a zstd frame')
    const descriptor = payload[at + 4]!
    at += 5 + zstdHeaderRest(descriptor)
    for (let last = false; !last; ) {
      if (at + 3 > payload.length) throw new Error('a zstd frame is cut off')
      const header = payload.readUIntLE(at, 3)
      const size = header >>> 3
      const kind = (header >>> 1) & 3
      last = (header & 1) === 1
      bytes += kind === 2 ? zstdBlockBytesMax : size
      at += 3 + (kind === 1 ? 1 : size)
    }
    if (descriptor & 0x04) at += 4
  }
  return bytes
}

/** Window byte, dictionary id and content size: which of them follow the frame's descriptor byte. */
function zstdHeaderRest(descriptor: number): number {
  const singleSegment = (descriptor >> 5) & 1
  const contentSize = [singleSegment, 2, 4, 8][descriptor >> 6]!
  const dictionaryId = [0, 1, 2, 4][descriptor & 3]!
  return (singleSegment ? 0 : 1) + dictionaryId + contentSize
}

function isSkippable(magic: number): boolean {
  return magic >>> 4 === 0x184d2a5
}
