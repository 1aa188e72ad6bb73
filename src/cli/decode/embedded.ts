import { decodeData } from '../../protocol/codec.ts'
import { Reader } from '../../protocol/reader.ts'
import { type AnyData, Malformed } from '../../protocol/schema.ts'
import { consumerProtocolAssignment } from '../../protocol/stored/consumer/consumer-protocol-assignment.ts'
import { consumerProtocolSubscription } from '../../protocol/stored/consumer/consumer-protocol-subscription.ts'

/** Fields of bytes in which clients of the classic group protocol keep a message of their own. */
const messagesByField: Readonly<Record<string, AnyData>> = {
  metadata: consumerProtocolSubscription,
  memberMetadata: consumerProtocolSubscription,
  subscription: consumerProtocolSubscription,
  assignment: consumerProtocolAssignment,
  memberAssignment: consumerProtocolAssignment,
}

/**
 * What stands in such a field, two bytes of version first; null for bytes that are not of the
 * consumers' protocol to the last one: other clients keep what they like there.
 */
export function embeddedIn(
  field: string,
  bytes: Buffer,
): { of: AnyData; version: number; value: Readonly<Record<string, unknown>> } | null {
  const of = messagesByField[field]
  if (of === undefined || bytes.length < 2) return null
  // A version to come starts with the fields of the newest that is known.
  const version = Math.min(bytes.readInt16BE(0), of.versions[1])
  if (version < of.versions[0]) return null
  const reader = new Reader(bytes.subarray(2))
  try {
    const value = decodeData(of, version, reader)
    return reader.remaining === 0 ? { of, version, value } : null
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}
