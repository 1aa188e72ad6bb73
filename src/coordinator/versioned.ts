/** Puts a version (or record type) as int16 before the bytes of a coordinator's record. */
export function withVersion(version: number, body: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(2 + body.byteLength)
  bytes.writeInt16BE(version, 0)
  body.copy(bytes, 2)
  return bytes
}
