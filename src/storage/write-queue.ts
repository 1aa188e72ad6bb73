import { Refusal } from '../protocol/errors.ts'
import { DiskError } from './disk.ts'
import type { Segment } from './segment.ts'

/** How much one call of the operating system may be given; the rest goes with the next. */
const groupBytesMax = 8 * 1024 * 1024
const groupWritesMax = 1024

/** Batches on their way to a segment. */
export interface Write {
  readonly segment: Segment
  readonly position: number
  readonly bytes: Buffer
  /** The offset after the last record. */
  readonly endOffset: number
}

interface Reported {
  /** Shared with what came in the meantime of the same earlier write. */
  readonly reported: Deferred
}

interface Waiting extends Write, Reported {}

interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface WriteEvents {
  /** What must be done before a group is reported, `last` being its last write: perhaps a sync. */
  beforeReport(last: Write): Promise<void> | null
  written(write: Write): void
  /** A group is written, and each of its writes was told of. */
  reported(): void
  /**
   * Told once, with the first error. All that was not written is rejected with it, a failure of the
   * disk as KAFKA_STORAGE_ERROR.
   */
  failed(error: Error): void
}

/**
 * The appends of one log on their way to its files. Where the file system takes one at once, that is all
 * there is to it. Else at most one write is under way; all that comes meanwhile goes with the next one
 * (group commit), and shares one promise.
 */
export class WriteQueue {
  private waiting: Waiting[] = []
  /** What the next append is reported with. */
  private open: Deferred | null = null
  private last: Promise<void> = Promise.resolve()
  private isRunning = false
  private failure: Error | null = null
  private readonly events: WriteEvents

  constructor(events: WriteEvents) {
    this.events = events
  }

  /** Resolves when everything that was pushed so far is reported. */
  get lastPushed(): Promise<void> {
    return this.last
  }

  /**
   * Resolves when the bytes are handed to the file system, and what `beforeReport` does is done; null
   * where they are already, and the events were told.
   */
  push(write: Write): Promise<void> | null {
    if (!this.isRunning && this.failure === null) return this.writeNow(write)
    this.open ??= this.promise()
    const reported = this.open
    if (this.failure === null) this.waiting.push({ ...write, reported })
    else rejectAll([{ reported }], this.failure)
    return reported.promise
  }

  /** Resolves when nothing is waiting; rejects if a write failed. */
  async drained(): Promise<void> {
    while (this.isRunning) await this.last
    if (this.failure !== null) throw this.failure
  }

  /** Rejects what waits and what comes. */
  fail(error: Error): void {
    if (this.failure !== null) return
    const refusal = refusalOf(error)
    this.failure = refusal
    rejectAll(this.waiting, refusal)
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

  /** Group after group; a promise only for one that the disk, or a sync, makes wait. */
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
    this.run()
  }

  /** @returns null when the group may be reported at once. */
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
    const why = error instanceof Error ? error : new Error(String(error))
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
    // The last one's group may go on: then its promise waits for the rest.
    if (this.waiting[0]?.reported !== reported) reported.resolve()
  }

  /** The writes at the front that go to one segment, one after the other. */
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

/** What a disk that fails means to whoever appends. */
function refusalOf(error: Error): Error {
  return error instanceof DiskError ? new Refusal('KAFKA_STORAGE_ERROR', error.message) : error
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
    reported.promise.catch(() => {}) // Not every append is awaited (acks=0).
    reported.reject(why)
  }
}
