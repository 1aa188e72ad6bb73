import { sessionTimer } from './classic-member.ts'

export const rebalanceTimer = (groupId: string, memberId: string) =>
  `rebalance/${groupId}/${memberId}`
export const memberJoinTimer = (groupId: string, memberId: string) => `join/${groupId}/${memberId}`
export const memberSyncTimer = (groupId: string, memberId: string) => `sync/${groupId}/${memberId}`

/** All that may be set for one member of a consumer group. */
export function consumerTimers(groupId: string, memberId: string): readonly string[] {
  return [
    sessionTimer(groupId, memberId),
    rebalanceTimer(groupId, memberId),
    memberJoinTimer(groupId, memberId),
    memberSyncTimer(groupId, memberId),
  ]
}
