/** A reply that is sent when everything the machine had replayed by then is committed. */
export interface Reply {
  /**
   * Settles the caller's promise; called once, never before the commit, and not by the machine: to
   * it, this is the name of who waits. `OutcomeDraft.reply` checks that it takes the body.
   */
  to(body: unknown): void
  readonly body: unknown
}

/** Sets a timer (`atMs` in ms on the wall clock) or clears it (`atMs` null); keys are per shard. */
export interface TimerChange<Command> {
  readonly key: string
  readonly atMs: number | null
  /** The command to submit when the timer fires. */
  readonly command?: Command
  /** Whether to keep a timer that is already set. */
  readonly onlyIfAbsent?: boolean
}

/** The result of a command. Plain data, which tests can compare and the runtime executes. */
export interface Outcome<Command, R, Effect = never> {
  /** Records to append as one atomic batch and then to replay in order. */
  readonly records: readonly R[]
  /** Replies to send once these and all earlier records are committed. */
  readonly replies: readonly Reply[]
  /** Work for others, to begin when the replies are sent; dropped if the append fails. */
  readonly effects: readonly Effect[]
  readonly timers: readonly TimerChange<Command>[]
}

/** An outcome under construction. */
export class OutcomeDraft<Command, R, Effect = never> implements Outcome<Command, R, Effect> {
  readonly records: R[] = []
  readonly replies: Reply[] = []
  readonly effects: Effect[] = []
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
 * A state machine: `decide` chooses, and only `replay` changes durable state. Modelled on Kafka's
 * CoordinatorResult, but without records that are not replayed, timelines and undo: after a failed
 * append the shard is dropped and rebuilt from its log.
 */
export interface Machine<Command, R, Effect = never> {
  /**
   * Decides on a command. May change only state that can be lost on a restart (waiting replies),
   * never state that is rebuilt from records.
   */
  decide(command: Command, nowMs: number): Outcome<Command, R, Effect>
  /**
   * Applies one record: the only way to change durable state, both live and on start.
   *
   * @param offset of the record in the log. Of a loaded batch in which records of unknown types
   *   come before, it may be too low.
   */
  replay(record: R, offset: number): void
}

/** The log to which a machine's records are appended. */
export interface CommitLog<R> {
  /** The offset of the next record. */
  readonly endOffset: number
  /**
   * Resolves in call order when the records are committed; rejects if they never will be.
   *
   * @throws synchronously if the log is intact but does not accept these records (too large).
   */
  append(records: readonly R[]): Promise<void>
}
