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

/** With the keys that are kept: the password itself is never stored (RFC 5802). */
export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export interface AlteredUser {
  readonly user: string
  readonly error: ErrorName
  readonly errorMessage: string | null
}

/** Changes credentials; a user with a fault keeps all that it had (`ScramControlManager`). */
export function alterScram(
  deletions: readonly ScramDeletion[],
  upsertions: readonly ScramUpsertion[],
): Command<AlteredUser[]> {
  return ({ image }) => {
    const all = [...deletions, ...upsertions]
    const faults = new Map<string, readonly [ErrorName, string]>()
    for (const one of all) {
      const fault =
        faultOf(one) ??
        ('iterations' in one ? faultOfIterations(one as ScramUpsertion) : null) ??
        ('iterations' in one || image.scram.has(scramKey(one.name, one.mechanism))
          ? null
          : notThere) ??
        faultOfTwice(one, all)
      if (fault !== null && !faults.has(one.name)) faults.set(one.name, fault)
    }
    const sound = ({ name }: ScramDeletion) => !faults.has(name)
    const records: MetadataRecord[] = [
      ...deletions
        .filter(sound)
        .map(({ name, mechanism }) =>
          metadataRecord(removeUserScramCredentialRecord, { name, mechanism }),
        ),
      ...upsertions.filter(sound).map((one) => metadataRecord(userScramCredentialRecord, one)),
    ]
    const users = [...new Set(all.map(({ name }) => name))]
    return {
      records,
      answer: users.map((user) => {
        const [error, errorMessage] = faults.get(user) ?? (['NONE', null] as const)
        return { user, error, errorMessage }
      }),
    }
  }
}

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

function faultOfTwice({ name, mechanism }: ScramDeletion, all: readonly ScramDeletion[]) {
  const same = all.filter((other) => other.name === name && other.mechanism === mechanism)
  if (same.length > 1) {
    return [
      'DUPLICATE_RESOURCE',
      'A user credential cannot be altered twice in the same request',
    ] as const
  }
  return null
}

function faultOfIterations({ iterations }: ScramUpsertion) {
  if (iterations < iterationsMin) return ['UNACCEPTABLE_CREDENTIAL', 'Too few iterations'] as const
  if (iterations > iterationsMax) return ['UNACCEPTABLE_CREDENTIAL', 'Too many iterations'] as const
  return null
}
