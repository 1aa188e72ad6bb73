import type { Clock, Timer } from '../base/clock.ts'
import type { CommitLog, Machine, Outcome, TimerChange } from './machine.ts'

interface SetTimer<Command> {
  /** In ms on the monotonic clock. */
  deadlineMs: number
  /** When `handle` fires (ms, monotonic clock); never later than the deadline. */
  ringsAtMs: number
  handle: Timer
  command: Command
}

/**
 * Returns the answer to a command whose records the log does not accept, and the command to submit
 * next; null if the error means that the log has failed.
 */
export type OnRefused<Command> = (
  command: Command,
  error: unknown,
) => { readonly answer: unknown; readonly next: Command | null } | null

/** Replies and effects of a decision, held back until its records are committed. */
type Release<Effect> = Pick<Outcome<never, never, Effect>, 'replies' | 'effects'>

/**
 * Executes the decisions of a machine: appends, replays, sets timers; after the commit sends
 * replies and begins effects. After a failed append it stops: `onFailure` is called once, and the
 * owner rebuilds the machine from its log.
 */
export class Runtime<Command, R, Effect = never> {
  private readonly machine: Machine<Command, R, Effect>
  private readonly log: CommitLog<R>
  private readonly clock: Clock
  private readonly perform: (effect: Effect) => void
  private readonly onFailure: (error: unknown) => void
  private readonly onRefused: OnRefused<Command>
  private readonly timers = new Map<string, SetTimer<Command>>()
  /** For each pending append, oldest first. */
  private readonly inFlight: Release<Effect>[][] = []
  private closed = false

  constructor(options: {
    readonly machine: Machine<Command, R, Effect>
    readonly log: CommitLog<R>
    readonly clock: Clock
    readonly perform: (effect: Effect) => void
    readonly onFailure: (error: unknown) => void
    readonly onRefused: OnRefused<Command>
  }) {
    this.machine = options.machine
    this.log = options.log
    this.clock = options.clock
    this.perform = options.perform
    this.onFailure = options.onFailure
    this.onRefused = options.onRefused
  }

  /**
   * Runs a command.
   *
   * @throws errors of the machine: a bug after which its state is uncertain. The machine is dropped
   * as after a failed append before the error is thrown.
   */
  submit(command: Command): void {
    if (this.closed) return
    try {
      const nowMs = this.clock.nowMs()
      const outcome = this.machine.decide(command, nowMs)
      for (const change of outcome.timers) this.change(change, nowMs)
      if (outcome.records.length > 0) this.append(outcome, command)
      else this.releaseInOrder(outcome)
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  private fail(error: unknown): void {
    if (this.closed) return
    this.close()
    this.onFailure(error)
  }

  /** Stops permanently: clears all timers; replies that wait for a commit are never sent. */
  close(): void {
    this.closed = true
    for (const timer of this.timers.values()) timer.handle.clear()
    this.timers.clear()
    this.inFlight.length = 0
  }

  private append(outcome: Outcome<Command, R, Effect>, command: Command): void {
    const baseOffset = this.log.endOffset
    try {
      this.follow(outcome, baseOffset, this.log.append(outcome.records))
    } catch (error) {
      const refused = this.onRefused(command, error)
      if (refused === null) throw error
      // Nothing is replayed; the waiting callers get the answer.
      for (const { to } of outcome.replies) to(refused.answer)
      if (refused.next !== null) this.submit(refused.next)
    }
  }

  private follow(
    outcome: Outcome<Command, R, Effect>,
    baseOffset: number,
    committed: Promise<void>,
  ): void {
    const waiting = [outcome]
    this.inFlight.push(waiting)
    let offset = baseOffset
    for (const record of outcome.records) this.machine.replay(record, offset++)
    committed.then(
      () => {
        if (this.closed) return
        this.inFlight.splice(this.inFlight.indexOf(waiting), 1)
        for (const one of waiting) this.release(one)
      },
      (error: unknown) => this.fail(error),
    )
  }

  /** A reply may contain uncommitted state, so it is sent with the last pending append. */
  private releaseInOrder(outcome: Release<Effect>): void {
    const last = this.inFlight.at(-1)
    if (last === undefined) this.release(outcome)
    else last.push(outcome)
  }

  private release({ replies, effects }: Release<Effect>): void {
    for (const { to, body } of replies) to(body)
    for (const effect of effects) this.perform(effect)
  }

  private change(change: TimerChange<Command>, nowMs: number): void {
    const { key, atMs, command } = change
    const set = this.timers.get(key)
    if (change.onlyIfAbsent === true && set !== undefined) return
    if (atMs === null) {
      set?.handle.clear()
      this.timers.delete(key)
      return
    }
    const deadlineMs = this.clock.monotonicMs() + Math.max(0, atMs - nowMs)
    if (set !== undefined && set.ringsAtMs <= deadlineMs) {
      // Postponed, as by each heartbeat: the clock's timer is kept and set again when it fires.
      set.deadlineMs = deadlineMs
      set.command = command as Command
      return
    }
    set?.handle.clear()
    this.timers.set(key, this.arm(key, deadlineMs, command as Command))
  }

  private arm(key: string, deadlineMs: number, command: Command): SetTimer<Command> {
    const delayMs = Math.max(0, deadlineMs - this.clock.monotonicMs())
    const handle = this.clock.after(delayMs, () => this.ring(key))
    return { deadlineMs, ringsAtMs: deadlineMs, handle, command }
  }

  private ring(key: string): void {
    const set = this.timers.get(key)
    if (set === undefined || this.closed) return
    if (set.deadlineMs - this.clock.monotonicMs() > 0.5) {
      this.timers.set(key, this.arm(key, set.deadlineMs, set.command))
      return
    }
    this.timers.delete(key)
    try {
      this.submit(set.command)
    } catch {
      // `onFailure` has been called already.
    }
  }
}
