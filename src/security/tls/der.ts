/** One element of a DER encoding (ITU-T X.690). */
export interface DerElement {
  readonly tag: number
  readonly content: Buffer
  /** The whole element, with tag and length. */
  readonly encoded: Buffer
}

export const derTags = { objectId: 0x06, utf8: 0x0c, printable: 0x13, bmp: 0x1e } as const

const lengthBytesMax = 4

/** Reads the elements that stand one after the other. @throws Error if they are damaged. */
export function readDer(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = []
  let rest = bytes
  while (rest.length > 0) {
    const first = rest[1] ?? 0
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    const start = 2 + lengthBytes
    if (lengthBytes > lengthBytesMax || start > rest.length) throw new Error('damaged DER')
    const length = lengthBytes === 0 ? first : rest.readUIntBE(2, lengthBytes)
    const end = start + length
    if (end > rest.length) throw new Error('damaged DER')
    elements.push({
      tag: rest[0]!,
      content: rest.subarray(start, end),
      encoded: rest.subarray(0, end),
    })
    rest = rest.subarray(end)
  }
  return elements
}

/** The dotted form of an object identifier. */
export function objectIdOf(content: Buffer): string {
  const numbers: number[] = []
  let value = 0
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f)
    if (byte >= 0x80) continue
    numbers.push(value)
    value = 0
  }
  const [first = 0, ...rest] = numbers
  const top = Math.min(Math.floor(first / 40), 2)
  return [top, first - 40 * top, ...rest].join('.')
}
