import { decodeData } from '../../protocol/codec.ts'
import { Reader } from '../../protocol/reader.ts'
import { type AnyData, Malformed } from '../../protocol/schema.ts'
import { consumerProtocolAssignment } from '../../protocol/stored/consumer/consumer-protocol-assignment.ts'
import { consumerProtocolSubscription } from '../../protocol/stored/consumer/consumer-protocol-subscription.ts'

/** Bytes fields in which clients of the classic group protocol embed a message. */
const messagesByField: Readonly<Record<string, AnyData>> = {
  metadata: consumerProtocolSubscription,
  memberMetadata: consumerProtocolSubscription,
  subscription: consumerProtocolSubscription,
  assignment: consumerProtocolAssignment,
  memberAssignment: consumerProtocolAssignment,
}

/**
 * Returns the message embedded in a field, after its two bytes of version; null unless all bytes
 * are of the consumer protocol: other clients may embed anything.
 */
export function embeddedIn(
  field: string,
  bytes: Buffer,
): { of: AnyData; version: number; value: Readonly<Record<string, unknown>> } | null {
  const of = messagesByField[field]
  if (of === undefined || bytes.length < 2) return null
  // A later version starts with the fields of the newest known one.
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
