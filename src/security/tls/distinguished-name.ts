import { type DerElement, derTags, objectIdOf, readDer } from './der.ts'

/** Attributes that RFC 2253 names; Java writes all others as an OID with the value's DER. */
const names: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
}

/** Tags of strings in DER; all but two hold one byte a character. */
const stringTags: ReadonlySet<number> = new Set([0x0c, 0x13, 0x14, 0x16, 0x1b, 0x1c, 0x1e])
/** Fields before the subject of a certificate: serial number, signature, issuer, validity. */
const fieldsBeforeSubject = 4
const versionTag = 0xa0

/**
 * Returns the subject of a certificate in DER as RFC 2253 writes it, the last part first, as Java's
 * `X500Principal.getName` does: `CN=alice,OU=test,O=example`.
 */
export function subjectOf(certificate: Buffer): string {
  return subjectParts(certificate).join(',')
}

/** Returns the parts of the subject of a certificate in DER, the last one first. */
export function subjectParts(certificate: Buffer): string[] {
  const fields = fieldsOf(certificate).filter(({ tag }) => tag !== versionTag)
  return readDer(fields[fieldsBeforeSubject]!.content)
    .reverse()
    .map(({ content }) => readDer(content).map(attributeText).join('+'))
}

/** Returns the signed fields of a certificate in DER. */
export function fieldsOf(certificate: Buffer): DerElement[] {
  const [whole] = readDer(certificate)
  const [signed] = readDer(whole!.content)
  return readDer(signed!.content)
}

function attributeText({ content }: DerElement): string {
  const [type, value] = readDer(content)
  const objectId = objectIdOf(type!.content)
  const name = names[objectId]
  if (name === undefined || !stringTags.has(value!.tag)) {
    return `${name ?? objectId}=#${value!.encoded.toString('hex')}`
  }
  return `${name}=${escaped(textOf(value!))}`
}

function textOf({ tag, content }: DerElement): string {
  if (tag === derTags.utf8) return content.toString('utf8')
  if (tag === derTags.bmp) return Buffer.from(content).swap16().toString('utf16le')
  return content.toString('latin1')
}

const escaped = (text: string) =>
  text
    .replace(/[,=+<>#;"\\]/g, '\\$&')
    .replace(/^ +| +$/g, (spaces) => '\\ '.repeat(spaces.length))
    .replaceAll('\0', '\\00')
