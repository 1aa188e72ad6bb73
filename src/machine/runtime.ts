import type { Clock, Timer } from '../base/clock.ts'
import type { CommitLog, Machine, Reply, TimerChange } from './machine.ts'

interface SetTimer<Command> {
  /** On the monotonic clock. */
  deadlineMs: number
  /** When `handle` rings; never later than the deadline. */
  ringsAtMs: number
  handle: Timer
  command: Command
}

/**
 * What a command is answered whose records the log will not take, and what is to be done then; null
 * when the error says that the log is not well.
 */
export type OnRefused<Command> = (
  command: Command,
  error: unknown,
) => { readonly answer: unknown; readonly next: Command | null } | null

/**
 * Carries out what a machine decides: appends, replays, sets timers, releases replies after the
 * commit. Once an append has failed nothing more happens here: `onFailure` is told, once, and the
 * owner rebuilds the machine from its log.
 */
export class Runtime<Command, R> {
  private readonly machine: Machine<Command, R>
  private readonly log: CommitLog<R>
  private readonly clock: Clock
  private readonly onFailure: (error: unknown) => void
  private readonly onRefused: OnRefused<Command>
  private readonly timers = new Map<string, SetTimer<Command>>()
  /** Replies that wait for each append in flight, oldest first. */
  private readonly inFlight: Reply<any>[][] = []
  private closed = false

  constructor(o: {
    readonly machine: Machine<Command, R>
    readonly log: CommitLog<R>
    readonly clock: Clock
    readonly onFailure: (error: unknown) => void
    readonly onRefused: OnRefused<Command>
  }) {
    this.machine = o.machine
    this.log = o.log
    this.clock = o.clock
    this.onFailure = o.onFailure
    this.onRefused = o.onRefused
  }

  /** Timers that are set; a number to watch. */
  get timerCount(): number {
    return this.timers.size
  }

  /**
   * @throws what the machine throws: a bug of ours, after which its state is in doubt. It is dropped
   *   as after a failed append, before the error reaches the caller.
   */
  submit(command: Command): void {
    if (this.closed) return
    try {
      const nowMs = this.clock.nowMs()
      const { records, replies, timers } = this.machine.decide(command, nowMs)
      for (const change of timers) this.change(change, nowMs)
      if (records.length > 0) this.append(records, [...replies], command)
      else this.release(replies)
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

  /** Stops for good: timers are cleared, what waits for a commit is never answered from here. */
  close(): void {
    this.closed = true
    for (const timer of this.timers.values()) timer.handle.clear()
    this.timers.clear()
    this.inFlight.length = 0
  }

  private append(records: readonly R[], replies: Reply<any>[], command: Command): void {
    try {
      this.follow(records, replies, this.log.append(records))
    } catch (error) {
      const refused = this.onRefused(command, error)
      if (refused === null) throw error
      // Nothing is replayed; who waits for it is told.
      for (const { to } of replies) to(refused.answer)
      if (refused.next !== null) this.submit(refused.next)
    }
  }

  private follow(records: readonly R[], replies: Reply<any>[], committed: Promise<void>): void {
    this.inFlight.push(replies)
    for (const record of records) this.machine.replay(record)
    committed.then(
      () => {
        if (this.closed) return
        this.inFlight.splice(this.inFlight.indexOf(replies), 1)
        for (const { to, body } of replies) to(body)
      },
      (error: unknown) => this.fail(error),
    )
  }

  /** A reply may show what is not committed yet: it goes out with the last append in flight. */
  private release(replies: readonly Reply<any>[]): void {
    const last = this.inFlight.at(-1)
    if (last === undefined) for (const { to, body } of replies) to(body)
    else last.push(...replies)
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
      // Put off, as each heartbeat does: the clock's timer stays and is set anew when it rings.
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
      // The owner was told.
    }
  }
}
