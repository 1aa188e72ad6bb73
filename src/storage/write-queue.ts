import { hold, release } from '../base/buffer-pool.ts'
import { asError } from '../base/error-text.ts'
import { ApiError } from '../protocol/errors.ts'
import { DiskError } from './disk.ts'
import type { Segment } from './segment.ts'

/** Limits of one write call in bytes and in batches; the rest follows in the next call. */
const groupBytesMax = 8 * 1024 * 1024
const groupWritesMax = 1024

/** Batches to be written to a segment. */
export interface Write {
  readonly segment: Segment
  readonly position: number
  readonly bytes: Buffer
  /** The offset after the last record. */
  readonly endOffset: number
}

interface Reported {
  /** Shared by the appends that arrived during the same earlier write. */
  readonly reported: Deferred
}

interface Waiting extends Write, Reported {}

interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface WriteEvents {
  /** Called before a group ending with `last` is reported; may return a sync to wait for. */
  beforeReport(last: Write): Promise<void> | null
  written(write: Write): void
  /** Called when a group is written, after `written` for each of its writes. */
  reported(): void
  /**
   * Called once, with the first error. All unwritten appends are rejected with it; a disk error
   * becomes KAFKA_STORAGE_ERROR.
   */
  failed(error: Error): void
}

/**
 * Writes the appends of one log to its files. If the file system accepts an append at once, nothing
 * is queued. Otherwise at most one write is pending; later appends are written with the next one
 * (group commit) and share one promise.
 *
 * The memory of a waiting or pending write is held (`base/buffer-pool`) until the disk no longer
 * needs it, even if the append has failed: a request may be answered with an error while some of
 * its records are still being written.
 */
export class WriteQueue {
  private waiting: Waiting[] = []
  /** The promise of the next queued append. */
  private open: Deferred | null = null
  private last: Promise<void> = Promise.resolve()
  private isRunning = false
  private failure: Error | null = null
  private readonly events: WriteEvents

  constructor(events: WriteEvents) {
    this.events = events
  }

  /** Resolves when everything pushed so far is reported. */
  get lastPushed(): Promise<void> {
    return this.last
  }

  /**
   * Resolves when the bytes are written to the file system and `beforeReport` is done; null if both
   * have happened already and the events were called.
   */
  push(write: Write): Promise<void> | null {
    if (!this.isRunning && this.failure === null) return this.writeNow(write)
    this.open ??= this.promise()
    const reported = this.open
    if (this.failure === null) {
      hold(write.bytes)
      this.waiting.push({ ...write, reported })
    } else rejectAll([{ reported }], this.failure)
    return reported.promise
  }

  /** Resolves when nothing is waiting; rejects if a write failed. */
  async drained(): Promise<void> {
    while (this.isRunning) await this.last
    if (this.failure !== null) throw this.failure
  }

  /** Rejects all waiting and future appends. */
  fail(error: Error): void {
    if (this.failure !== null) return
    const refusal = refusalOf(error)
    this.failure = refusal
    rejectAll(this.waiting, refusal)
    letGo(this.waiting)
    this.waiting = []
    this.events.failed(error)
  }

  private writeNow(write: Write): Promise<void> | null {
    this.isRunning = true
    try {
      const waits = this.write([write])
      if (waits === null) {
        this.events.written(write)
        this.events.reported()
        this.isRunning = false
        return null
      }
      const reported = this.promise()
      hold(write.bytes)
      void this.runAfter(waits, [{ ...write, reported }])
      return reported.promise
    } catch (error) {
      this.isRunning = false
      const reported = this.promise()
      this.lose([{ reported }], error)
      return reported.promise
    }
  }

  private promise(): Deferred {
    const made = deferred()
    this.last = made.promise
    return made
  }

  /** Writes group after group; creates a promise only if the disk or a sync requires a wait. */
  private run(): void {
    while (this.waiting.length > 0) {
      const group = this.takeGroup()
      this.open = null
      try {
        const waits = this.write(group)
        if (waits !== null) return void this.runAfter(waits, group)
        this.report(group)
      } catch (error) {
        this.lose(group, error)
      }
      letGo(group)
    }
    this.isRunning = false
  }

  private async runAfter(waits: Promise<void>, group: readonly Waiting[]): Promise<void> {
    try {
      await waits
      this.report(group)
    } catch (error) {
      this.lose(group, error)
    }
    letGo(group)
    this.run()
  }

  /** @returns null if the group can be reported at once. */
  private write(group: readonly Write[]): Promise<void> | null {
    const { segment, position } = group[0]!
    const last = group[group.length - 1]!
    const writing = segment.log.write(
      group.map((write) => write.bytes),
      position,
    )
    if (writing === null) return this.events.beforeReport(last)
    return writing.then(() => this.events.beforeReport(last) ?? undefined)
  }

  private lose(group: readonly Reported[], error: unknown): void {
    const why = asError(error)
    rejectAll(group, refusalOf(why))
    this.fail(why)
  }

  private report(group: readonly Waiting[]): void {
    let { reported } = group[0]!
    for (const write of group) {
      this.events.written(write)
      if (write.reported !== reported) reported.resolve()
      reported = write.reported
    }
    this.events.reported()
    // Further writes with the same promise may be waiting: it resolves with the last of them.
    if (this.waiting[0]?.reported !== reported) reported.resolve()
  }

  /** Removes the first consecutive writes to the same segment from the queue. */
  private takeGroup(): Waiting[] {
    const { segment } = this.waiting[0]!
    let bytes = 0
    let count = 0
    for (const write of this.waiting) {
      if (write.segment !== segment || count === groupWritesMax) break
      if (count > 0 && bytes + write.bytes.length > groupBytesMax) break
      bytes += write.bytes.length
      count++
    }
    if (count === this.waiting.length) {
      const all = this.waiting
      this.waiting = []
      return all
    }
    return this.waiting.splice(0, count)
  }
}

function letGo(writes: readonly Write[]): void {
  for (const { bytes } of writes) release(bytes)
}

/** Converts a disk error to the error that the appending caller gets. */
function refusalOf(error: Error): Error {
  return error instanceof DiskError ? new ApiError('KAFKA_STORAGE_ERROR', error.message) : error
}

function deferred(): Deferred {
  let resolve!: () => void
  let reject!: (error: unknown) => void
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

function rejectAll(writes: readonly Reported[], why: Error): void {
  for (const { reported } of writes) {
    reported.promise.catch(() => {}) // With acks=0 an append is not awaited.
    reported.reject(why)
  }
}
