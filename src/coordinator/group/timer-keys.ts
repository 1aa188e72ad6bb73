/**
 * The names of a shard's timers. Clients choose group ids and member ids freely, with any
 * character: the length of the group id makes each pair unique.
 */
const ofGroup = (kind: string) => (groupId: string) => `${kind}/${groupId}`
const ofMember = (kind: string) => (groupId: string, memberId: string) =>
  `${kind}/${groupId.length}/${groupId}/${memberId}`

/** The session timeout of a member of either group type. */
export const sessionTimer = ofMember('member-session')

/** Timeouts of a classic group's join phase and sync phase. */
export const joinTimer = ofGroup('group-join')
export const syncTimer = ofGroup('group-sync')

/** The next resolution of a consumer group's regular expressions. */
export const resolveTimer = ofGroup('group-regex')

/**
 * Timeouts of a consumer group's member: to revoke partitions, or (classic protocol) to join and
 * sync.
 */
export const rebalanceTimer = ofMember('member-rebalance')
export const memberJoinTimer = ofMember('member-join')
export const memberSyncTimer = ofMember('member-sync')

/** Returns all timers of one member of a consumer group. */
export function consumerTimers(groupId: string, memberId: string): readonly string[] {
  return [
    sessionTimer(groupId, memberId),
    rebalanceTimer(groupId, memberId),
    memberJoinTimer(groupId, memberId),
    memberSyncTimer(groupId, memberId),
  ]
}
