import { assert } from '../../../base/assert.ts'
import { type ErrorName, errorCode } from '../../../protocol/errors.ts'
import type { JoinGroupResponse } from '../../../protocol/messages/11-join-group.ts'
import type { SyncGroupResponse } from '../../../protocol/messages/14-sync-group.ts'
import type { To } from '../commands.ts'

export interface JoinProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export const emptyAssignment = Buffer.alloc(0)

/** A member of a classic group. Kafka: `ClassicGroupMember`. */
export interface ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  readonly protocolType: string
  /** In the order of the member's preference. */
  protocols: readonly JoinProtocol[]
  assignment: Buffer
  /** The parked JoinGroup; it is answered when the join phase ends. */
  awaitingJoin: To<JoinGroupResponse> | null
  /** The parked SyncGroup; it is answered when the leader's assignment arrives. */
  awaitingSync: To<SyncGroupResponse> | null
  /**
   * True until the first generation; the session of such a member may expire although its JoinGroup
   * is parked.
   */
  isNew: boolean
}

/** Returns the metadata that the member sent for the protocol. */
export function metadataOf(member: ClassicMember, protocol: string | null): Buffer {
  const found = member.protocols.find(({ name }) => name === protocol)
  assert(found !== undefined, `member ${member.memberId} does not support protocol ${protocol}`)
  return found.metadata
}

/** Returns whether a rejoining member's protocols are unchanged, so that no rebalance is needed. */
export function sameProtocols(a: readonly JoinProtocol[], b: readonly JoinProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, i) => one.name === b[i]!.name && one.metadata.equals(b[i]!.metadata))
  )
}

/** Returns a failed JoinGroup response. */
export function joinError(reason: ErrorName, memberId: string): JoinGroupResponse {
  return {
    errorCode: errorCode(reason),
    generationId: -1,
    protocolName: null,
    leader: '',
    memberId,
    members: [],
  }
}

export function syncError(reason: ErrorName): SyncGroupResponse {
  return { errorCode: errorCode(reason), assignment: emptyAssignment }
}
