import type { Command, GroupCommand } from './commands.ts'
import type { Draft, Group } from './group.ts'
import type { GroupRecord } from './records.ts'

/** The functions that run these commands. */
export type Handlers<K extends GroupCommand['kind']> = {
  readonly [P in K]: (command: Command<P>, out: Draft, nowMs: number) => void
}

/** Requests of the classic protocol, which clients may send to a group of any kind. */
export interface ClassicRequests<G extends Group> {
  join(group: G, command: Command<'join'>, out: Draft, nowMs: number): void
  sync(group: G, command: Command<'sync'>, out: Draft, nowMs: number): void
  heartbeat(group: G, command: Command<'heartbeat'>, out: Draft, nowMs: number): void
  leave(group: G, command: Command<'leave'>, out: Draft, nowMs: number): void
}

/**
 * A row of the table of group kinds: what a shard asks of every kind and one group cannot answer by
 * itself (that is in `Group`).
 */
export interface GroupKind<G extends Group = Group, R extends GroupRecord = GroupRecord> {
  readonly classicRequests: ClassicRequests<G>
  /** Whether a JoinGroup replaces a group of this kind without members by a classic group. */
  readonly yieldsToClassic: boolean
  /**
   * Applies a record of this kind.
   *
   * @param nowMs the time of the current command, or of the first one after a load.
   */
  replay(record: R, nowMs: number): void
  /** Sets the timers of a group that was read from the log. */
  loaded(group: G, out: Draft, nowMs: number): void
  /** Called when a member has committed offsets outside of a transaction. */
  committed?(group: G, memberId: string, out: Draft, nowMs: number): void
  topicsChanged?(change: Command<'topicsChanged'>): void
  topicsDeleted?(topics: Command<'topicsDeleted'>['topics'], out: Draft): void
  /**
   * Begins what must be done before a group without members is deleted; the reply is then sent by
   * a later command. Returns false if the group may be deleted at once.
   */
  deleteFirst?(group: G, command: Command<'delete'>, out: Draft): boolean
}
