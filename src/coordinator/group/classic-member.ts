import { assert } from '../../base/assert.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import type { JoinGroupResponse } from '../../protocol/messages/11-join-group.ts'
import type { SyncGroupResponse } from '../../protocol/messages/14-sync-group.ts'
import type { To } from './commands.ts'

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
  /** The parked JoinGroup, which ends with the join phase. */
  awaitingJoin: To<JoinGroupResponse> | null
  /** The parked SyncGroup, which waits for the leader's assignment. */
  awaitingSync: To<SyncGroupResponse> | null
  /** Until its first generation: such a member may be forgotten although its join is parked. */
  isNew: boolean
}

/** What the member said under the protocol's name. */
export function metadataOf(member: ClassicMember, protocol: string | null): Buffer {
  const found = member.protocols.find(({ name }) => name === protocol)
  assert(found !== undefined, `member ${member.memberId} does not support protocol ${protocol}`)
  return found.metadata
}

/** Whether a member asks for the same as before, so that it need not disturb the others. */
export function sameProtocols(a: readonly JoinProtocol[], b: readonly JoinProtocol[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, i) => one.name === b[i]!.name && one.metadata.equals(b[i]!.metadata))
  )
}

export const sessionTimer = (groupId: string, memberId: string) => `session/${groupId}/${memberId}`
export const joinTimer = (groupId: string) => `join/${groupId}`
export const syncTimer = (groupId: string) => `sync/${groupId}`

/** A JoinGroup that failed. */
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
