import type { Random } from '../../base/random.ts'
import { scramMechanisms } from '../../metadata/controller/alter-scram.ts'
import { type MetadataRecord, metadataRecord } from '../../metadata/records.ts'
import { userScramCredentialRecord } from '../../protocol/stored/metadata/11-user-scram-credential-record.ts'
import { saltPassword, scramKeys } from '../../security/scram.ts'
import { BadFormat } from './bad-format.ts'

const mechanisms: Readonly<Record<string, number>> = {
  'SCRAM-SHA-256': scramMechanisms.sha256,
  'SCRAM-SHA-512': scramMechanisms.sha512,
}
const iterationsDefault = 4096
const iterationsMax = 16384
const saltBytes = 18

/**
 * Parses a user of `--add-scram`:
 * `SCRAM-SHA-256=[name=alice,password=secret,iterations=8192,salt="base64"]`, or with
 * `saltedpassword="base64"` instead of the password, to keep it secret.
 * @throws BadFormat
 */
export function scramRecord(text: string, random: Random): MetadataRecord {
  const parts = /^([^=]+)=\[(.*)\]$/.exec(text)
  const mechanism = mechanisms[parts?.[1] ?? '']
  if (parts === null || mechanism === undefined) {
    throw new BadFormat(
      `--add-scram must be ${Object.keys(mechanisms).join(' or ')}=[name=…,password=…], not "${text}"`,
    )
  }
  const fields = fieldsOf(parts[2]!)
  const name = fields.get('name')
  if (name === undefined || name === '') throw new BadFormat("You must supply 'name' to add-scram")
  const password = fields.get('password')
  const salted = fields.get('saltedpassword')
  if ((password === undefined) === (salted === undefined)) {
    throw new BadFormat("You must supply one of 'password' or 'saltedpassword' to add-scram")
  }
  const given = fields.get('salt')
  if (salted !== undefined && given === undefined) {
    throw new BadFormat("You must supply 'salt' with 'saltedpassword' to add-scram")
  }
  const iterations = iterationsOf(fields.get('iterations'))
  const salt = given === undefined ? random.bytes(saltBytes) : Buffer.from(given, 'base64')
  const saltedPassword =
    salted === undefined
      ? saltPassword(mechanism, password!, salt, iterations)
      : Buffer.from(salted, 'base64')
  const keys = scramKeys(mechanism, saltedPassword)
  return metadataRecord(userScramCredentialRecord, { name, mechanism, salt, iterations, ...keys })
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [, key, quoted, plain] of text.matchAll(/(\w+)=(?:"([^"]*)"|([^,]*))(?:,|$)/g)) {
    fields.set(key!.toLowerCase(), quoted ?? plain!)
  }
  return fields
}

function iterationsOf(text: string | undefined): number {
  if (text === undefined) return iterationsDefault
  const iterations = Number(text)
  if (
    Number.isInteger(iterations) &&
    iterations >= iterationsDefault &&
    iterations <= iterationsMax
  )
    return iterations
  throw new BadFormat(
    `The 'iterations' of add-scram must be from ${iterationsDefault} to ${iterationsMax}, not "${text}"`,
  )
}
