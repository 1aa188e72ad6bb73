import { decodeData, encodeData } from '../../../protocol/codec.ts'
import { Reader } from '../../../protocol/reader.ts'
import {
  type ConsumerProtocolAssignment,
  consumerProtocolAssignment,
} from '../../../protocol/stored/consumer/consumer-protocol-assignment.ts'
import {
  type ConsumerProtocolSubscription,
  consumerProtocolSubscription,
} from '../../../protocol/stored/consumer/consumer-protocol-subscription.ts'

const newest = 3

/** Returns the topics of a consumer's metadata; null if the metadata is not a consumer's. */
export function subscribedTopicsOf(metadata: Buffer): readonly string[] | null {
  try {
    return readSubscription(metadata, 0).topics
  } catch {
    return null
  }
}

/**
 * Decodes a consumer's subscription (`ConsumerProtocol`): a version, then the body.
 *
 * @param version the version to decode with; by default the one in the bytes, at most the newest
 *   known.
 * @throws Malformed | RangeError if the bytes are something else.
 */
export function readSubscription(metadata: Buffer, version?: number): ConsumerProtocolSubscription {
  const named = metadata.readInt16BE(0)
  if (named < 0) throw new RangeError(`subscription of version ${named}`)
  const body = new Reader(metadata.subarray(2))
  return decodeData(consumerProtocolSubscription, version ?? Math.min(named, newest), body)
}

/** @throws Malformed | RangeError if the bytes are something else. */
export function readAssignment(assignment: Buffer): ConsumerProtocolAssignment {
  const named = assignment.readInt16BE(0)
  if (named < 0) throw new RangeError(`assignment of version ${named}`)
  const body = new Reader(assignment.subarray(2))
  return decodeData(consumerProtocolAssignment, Math.min(named, newest), body)
}

/** Encodes an assignment in the version of the member's subscription. */
export function writeAssignment(
  assignedPartitions: ConsumerProtocolAssignment['assignedPartitions'],
  subscription: Buffer,
): Buffer {
  const version = Math.min(subscription.readInt16BE(0), newest)
  const body = encodeData(consumerProtocolAssignment, version, {
    assignedPartitions,
    userData: null,
  })
  const prefix = Buffer.alloc(2)
  prefix.writeInt16BE(version, 0)
  return Buffer.concat([prefix, body])
}
