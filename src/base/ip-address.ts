/** Length of an address in bytes, and how many groups of two bytes an IPv6 address has. */
const ipv4Bytes = 4
const ipv6Bytes = 16
const ipv6Groups = ipv6Bytes / 2

/** Returns the bytes of an address in text form; null for text that is none. */
export function addressBytes(text: string): Buffer | null {
  const host = text.replace(/%.*$/, '')
  return host.includes(':') ? ipv6(host) : ipv4(host)
}

/** Formats 4 or 16 bytes as Java's InetAddress does, without `::`; null for other lengths. */
export function addressText(bytes: Uint8Array): string | null {
  if (bytes.byteLength === ipv4Bytes) return [...bytes].join('.')
  if (bytes.byteLength !== ipv6Bytes) return null
  const groups = Array.from(
    { length: ipv6Groups },
    (_, i) => bytes[2 * i]! * 256 + bytes[2 * i + 1]!,
  )
  return groups.map((group) => group.toString(16)).join(':')
}

function ipv4(text: string): Buffer | null {
  const parts = text.split('.')
  const isAddress = parts.length === ipv4Bytes && parts.every((part) => /^\d{1,3}$/.test(part))
  if (!isAddress || parts.some((part) => Number(part) > 255)) return null
  return Buffer.from(parts.map(Number))
}

function ipv6(text: string): Buffer | null {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const last = tail === null ? null : ipv4(tail[2]!)
  if (tail !== null && last === null) return null
  const hex =
    last === null
      ? text
      : `${tail![1]}${last.readUInt16BE(0).toString(16)}:${last.readUInt16BE(2).toString(16)}`
  const halves = hex.split('::')
  if (halves.length > 2) return null
  const [head = [], rest = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = ipv6Groups - head.length - rest.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...rest]
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null
  const bytes = Buffer.alloc(ipv6Bytes)
  for (const [i, group] of groups.entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * i)
  }
  return bytes
}
