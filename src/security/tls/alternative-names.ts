import { type DerElement, objectIdOf, readDer } from './der.ts'
import { fieldsOf } from './distinguished-name.ts'

const extensionsTag = 0xa3
const alternativeNamesId = '2.5.29.17'
/** The kind of a name is the number in its tag (`GeneralName` of RFC 5280). */
const kindMask = 0x1f
const addressKind = 7
const textKinds: ReadonlySet<number> = new Set([1, 2, 6])

/**
 * Returns the alternative names of a certificate in DER as Java prints them: `[2, localhost]`,
 * `[7, 127.0.0.1]`.
 *
 * @throws Error if they are damaged: TLS does not read them.
 */
export function alternativeNamesOf(certificate: Buffer): string[] {
  const extensions = fieldsOf(certificate).find(({ tag }) => tag === extensionsTag)
  if (extensions === undefined) return []
  const all = readDer(readDer(extensions.content)[0]!.content).map(({ content }) =>
    readDer(content),
  )
  const names = all.find(([id]) => objectIdOf(id!.content) === alternativeNamesId)?.at(-1)
  if (names === undefined) return []
  return readDer(readDer(names.content)[0]!.content).map(nameText)
}

function nameText({ tag, content }: DerElement): string {
  const kind = tag & kindMask
  if (textKinds.has(kind)) return `[${kind}, ${content.toString('latin1')}]`
  if (kind === addressKind) return `[${kind}, ${addressText(content)}]`
  return `[${kind}, ${content.toString('hex')}]`
}

function addressText(address: Buffer): string {
  if (address.length === 4) return address.join('.')
  const groups = Array.from({ length: address.length >> 1 }, (_, i) => address.readUInt16BE(2 * i))
  return groups.map((group) => group.toString(16)).join(':')
}
