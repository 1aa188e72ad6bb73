import { BadUsage } from '../bad-usage.ts'

/** One TCP segment of a capture, from any link layer. */
export interface Segment {
  readonly timeMs: number
  readonly from: string
  readonly to: string
  readonly sequence: number
  readonly isSyn: boolean
  readonly isEnd: boolean
  readonly payload: Buffer
}

/** Bytes before the IP header by link type, of https://www.tcpdump.org/linktypes.html. */
const linkHeaderBytes: Readonly<Record<number, number>> = {
  0: 4, // BSD loopback
  1: 14, // Ethernet
  12: 0, // raw IP
  101: 0,
  108: 4, // OpenBSD loopback
  113: 16, // Linux cooked
  276: 20, // Linux cooked v2
}
const ethernet = 1
const vlanTag = 0x8100

const pcapMagics = [0xa1b2c3d4, 0xa1b23c4d]
const pcapngMagic = 0x0a0d0d0a

export function isCapture(bytes: Buffer): boolean {
  if (bytes.length < 24) return false
  return bytes.readUInt32BE(0) === pcapngMagic || pcapEndian(bytes) !== null
}

/**
 * Returns the TCP segments of a pcap or pcapng file, in file order. A truncated packet gives the
 * bytes that are there.
 * @throws BadUsage for unknown link layers.
 */
export function segmentsOf(bytes: Buffer): Segment[] {
  return bytes.readUInt32BE(0) === pcapngMagic ? segmentsOfPcapng(bytes) : segmentsOfPcap(bytes)
}

/** Reads numbers in the byte order of the file's writer. */
interface Endian {
  u16(at: number): number
  u32(at: number): number
}

const endianOf = (bytes: Buffer, little: boolean): Endian =>
  little
    ? { u16: (at) => bytes.readUInt16LE(at), u32: (at) => bytes.readUInt32LE(at) }
    : { u16: (at) => bytes.readUInt16BE(at), u32: (at) => bytes.readUInt32BE(at) }

function pcapEndian(bytes: Buffer): Endian | null {
  if (pcapMagics.includes(bytes.readUInt32LE(0))) return endianOf(bytes, true)
  if (pcapMagics.includes(bytes.readUInt32BE(0))) return endianOf(bytes, false)
  return null
}

function segmentsOfPcap(bytes: Buffer): Segment[] {
  const endian = pcapEndian(bytes)!
  const isNano = endian.u32(0) === pcapMagics[1]
  const linkType = endian.u32(20) & 0xffff
  const segments: Segment[] = []
  for (let at = 24; at + 16 <= bytes.length; ) {
    const timeMs = endian.u32(at) * 1000 + endian.u32(at + 4) / (isNano ? 1e6 : 1e3)
    const size = endian.u32(at + 8)
    const segment = segmentOf(bytes.subarray(at + 16, at + 16 + size), linkType, timeMs)
    if (segment !== null) segments.push(segment)
    at += 16 + size
  }
  return segments
}

const blocks = { section: pcapngMagic, interface: 1, enhancedPacket: 6 }
/** Minimum block sizes in bytes, with the block's type and its two lengths. */
const interfaceBytesMin = 20
const packetBytesMin = 32
const timeResolutionOption = 9

function segmentsOfPcapng(bytes: Buffer): Segment[] {
  const segments: Segment[] = []
  let endian = endianOf(bytes, true)
  let interfaces: { readonly linkType: number; readonly unitsAMs: number }[] = []
  for (let at = 0; at + 12 <= bytes.length; ) {
    if (bytes.readUInt32BE(at) === blocks.section) {
      endian = endianOf(bytes, bytes.readUInt32LE(at + 8) === 0x1a2b3c4d)
      interfaces = []
    }
    const [kind, size] = [endian.u32(at), endian.u32(at + 4)]
    if (size < 12 || at + size > bytes.length) break
    if (kind === blocks.interface && size >= interfaceBytesMin) {
      const unitsAMs = unitsAMillisecond(bytes, endian, at + 16, at + size - 4)
      interfaces.push({ linkType: endian.u16(at + 8), unitsAMs })
    } else if (kind === blocks.enhancedPacket && size >= packetBytesMin) {
      const on = interfaces[endian.u32(at + 8)]
      const units = endian.u32(at + 12) * 2 ** 32 + endian.u32(at + 16)
      const packet = bytes.subarray(at + 28, at + 28 + endian.u32(at + 20))
      const segment = on && segmentOf(packet, on.linkType, units / on.unitsAMs)
      if (segment) segments.push(segment)
    }
    at += size
  }
  return segments
}

/** Returns time units per millisecond: microseconds, unless an interface option says otherwise. */
function unitsAMillisecond(bytes: Buffer, endian: Endian, from: number, end: number): number {
  for (let at = from; at + 4 <= end; ) {
    const [option, size] = [endian.u16(at), endian.u16(at + 2)]
    if (option === 0) break
    if (option === timeResolutionOption && size === 1) {
      const power = bytes[at + 4]!
      return (power & 0x80 ? 2 ** (power & 0x7f) : 10 ** power) / 1000
    }
    at += 4 + Math.ceil(size / 4) * 4
  }
  return 1000
}

const tcp = 6

function segmentOf(packet: Buffer, linkType: number, timeMs: number): Segment | null {
  let ipAt = linkHeaderBytes[linkType]
  if (ipAt === undefined) throw new BadUsage(`captures of link type ${linkType} cannot be read`)
  while (linkType === ethernet && packet.length > ipAt && packet.readUInt16BE(ipAt - 2) === vlanTag)
    ipAt += 4
  const ip = packet.subarray(ipAt)
  if (ip.length < 20) return null
  const version = ip[0]! >> 4
  if (version === 4 && ip[9] === tcp) {
    const head = (ip[0]! & 15) * 4
    const address = (at: number) => [...ip.subarray(at, at + 4)].join('.')
    // The length is 0 in segments combined by the network card (offloading).
    const end = ip.readUInt16BE(2) || ip.length
    return segmentAt(ip.subarray(head, end), address(12), address(16), timeMs)
  }
  if (version === 6 && ip.length > 40 && ip[6] === tcp) {
    const end = ip.readUInt16BE(4) > 0 ? 40 + ip.readUInt16BE(4) : ip.length
    return segmentAt(ip.subarray(40, end), address6(ip, 8), address6(ip, 24), timeMs)
  }
  return null
}

function address6(ip: Buffer, at: number): string {
  const words = Array.from({ length: 8 }, (_, i) => ip.readUInt16BE(at + 2 * i).toString(16))
  return `[${words.join(':').replace(/(^|:)0(:0)+(:|$)/, '::')}]`
}

function segmentAt(of: Buffer, from: string, to: string, timeMs: number): Segment | null {
  if (of.length < 20) return null
  const flags = of[13]!
  return {
    timeMs,
    from: `${from}:${of.readUInt16BE(0)}`,
    to: `${to}:${of.readUInt16BE(2)}`,
    sequence: of.readUInt32BE(4),
    isSyn: (flags & 2) !== 0,
    isEnd: (flags & 5) !== 0,
    payload: of.subarray((of[12]! >> 4) * 4),
  }
}
