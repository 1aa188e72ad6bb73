import { javaHashMapOrder } from '../../base/java-hash.ts'
import type { ErrorName } from '../../protocol/errors.ts'
import { userScramCredentialRecord } from '../../protocol/stored/metadata/11-user-scram-credential-record.ts'
import { removeUserScramCredentialRecord } from '../../protocol/stored/metadata/22-remove-user-scram-credential-record.ts'
import { scramKey } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command } from './controller.ts'

/** Codes of `ScramMechanism`. */
export const scramMechanisms = { sha256: 1, sha512: 2 } as const
const iterationsMin = 4096
const iterationsMax = 16384

export interface ScramDeletion {
  readonly name: string
  readonly mechanism: number
}

/** A credential with its stored keys: the password itself is never stored (RFC 5802). */
export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
  /** An empty password is invalid: no keys can be derived from it. */
  readonly hasPassword: boolean
}

export interface AlteredUser {
  readonly user: string
  readonly error: ErrorName
  readonly errorMessage: string | null
}

type Fault = readonly [ErrorName, string | null]

/**
 * Changes credentials. A user with a fault keeps all credentials; naming a user twice is a fault,
 * whatever the mechanisms (`ScramControlManager`).
 */
export function alterScram(
  deletions: readonly ScramDeletion[],
  upsertions: readonly ScramUpsertion[],
): Command<AlteredUser[]> {
  return ({ image }) => {
    const faults = new Map<string, Fault>()
    const deleted = new Map<string, ScramDeletion>()
    const upserted = new Map<string, ScramUpsertion>()
    for (const one of deletions) {
      if (faults.has(one.name)) continue
      const isThere = image.scram.has(scramKey(one.name, one.mechanism))
      const fault = deleted.delete(one.name) ? twice : (faultOf(one) ?? (isThere ? null : notThere))
      if (fault === null) deleted.set(one.name, one)
      else faults.set(one.name, fault)
    }
    for (const one of upsertions) {
      if (faults.has(one.name)) continue
      const isTwice = deleted.delete(one.name) || upserted.delete(one.name)
      const fault = isTwice ? twice : (faultOf(one) ?? faultOfIterations(one))
      if (fault === null) upserted.set(one.name, one)
      else faults.set(one.name, fault)
    }
    for (const [name, { hasPassword }] of upserted) {
      if (hasPassword) continue
      upserted.delete(name)
      faults.set(name, ['UNKNOWN_SERVER_ERROR', null])
    }
    const records: MetadataRecord[] = [
      ...[...deleted.values()].map(({ name, mechanism }) =>
        metadataRecord(removeUserScramCredentialRecord, { name, mechanism }),
      ),
      ...[...upserted.values()].map((one) => metadataRecord(userScramCredentialRecord, one)),
    ]
    const answer = [deleted, upserted, faults].flatMap((users) =>
      javaHashMapOrder(users.keys()).map((user) => {
        const [error, errorMessage] = faults.get(user) ?? (['NONE', null] as const)
        return { user, error, errorMessage }
      }),
    )
    return { records, answer }
  }
}

const twice = [
  'DUPLICATE_RESOURCE',
  'A user credential cannot be altered twice in the same request',
] as const

const notThere = [
  'RESOURCE_NOT_FOUND',
  'Attempt to delete a user credential that does not exist',
] as const

function faultOf({ name, mechanism }: ScramDeletion) {
  if (name === '') return ['UNACCEPTABLE_CREDENTIAL', 'Username must not be empty'] as const
  if (mechanism !== scramMechanisms.sha256 && mechanism !== scramMechanisms.sha512) {
    return ['UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism'] as const
  }
  return null
}

function faultOfIterations({ iterations }: ScramUpsertion) {
  if (iterations < iterationsMin) return ['UNACCEPTABLE_CREDENTIAL', 'Too few iterations'] as const
  if (iterations > iterationsMax) return ['UNACCEPTABLE_CREDENTIAL', 'Too many iterations'] as const
  return null
}
