/** An answer that waits until the log is committed up to what the machine had seen. */
export interface Reply<T = unknown> {
  /** Settles the caller's promise; called once, never before the commit. */
  readonly to: (body: T) => void
  readonly body: T
}

/** A timer to set (`atMs` on the wall clock) or, with `atMs` null, to clear; keyed within a shard. */
export interface TimerChange<Command> {
  readonly key: string
  readonly atMs: number | null
  /** The command that is submitted when the timer rings. */
  readonly command?: Command
  /** Leaves a timer alone that is set already. */
  readonly onlyIfAbsent?: boolean
}

/** What a machine answers to one command. Plain data: a test compares it, the runtime carries it out. */
export interface Outcome<Command, R> {
  /** To append as one atomic batch, then to replay, in order. */
  readonly records: readonly R[]
  /** To send once the log is committed up to here. */
  readonly replies: readonly Reply<any>[]
  readonly timers: readonly TimerChange<Command>[]
}

/** An outcome while it is being decided. */
export class OutcomeDraft<Command, R> implements Outcome<Command, R> {
  readonly records: R[] = []
  readonly replies: Reply<any>[] = []
  readonly timers: TimerChange<Command>[] = []

  reply<T>(to: (body: T) => void, body: T): void {
    this.replies.push({ to, body })
  }

  setTimer(key: string, atMs: number, command: Command): void {
    this.timers.push({ key, atMs, command })
  }

  setTimerIfAbsent(key: string, atMs: number, command: Command): void {
    this.timers.push({ key, atMs, command, onlyIfAbsent: true })
  }

  clearTimer(key: string): void {
    this.timers.push({ key, atMs: null })
  }
}

/**
 * The one door to state: `decide` chooses, `replay` changes. After Kafka's CoordinatorResult, without
 * its second door (records that are not replayed), its timelines and its undo: when an append fails
 * the shard is dropped and rebuilt from its log.
 */
export interface Machine<Command, R> {
  /** Chooses. May touch only what a restart may forget (parked replies), never what records rebuild. */
  decide(command: Command, nowMs: number): Outcome<Command, R>
  /** Applies one record: the only way in which hard state changes, live and at start-up alike. */
  replay(record: R): void
}

/** Where a machine's records go. */
export interface CommitLog<R> {
  /**
   * Resolves when the records are committed, in call order; rejects when they never will be.
   *
   * @throws at once when the log is well but will not take these: they are too large.
   */
  append(records: readonly R[]): Promise<void>
}
