import type { Disk } from './disk.ts'

/** Syncs a directory for several callers: calls during a sync share the next one. */
export class SharedSync {
  private readonly disk: Disk
  private readonly path: string
  private running: Promise<void> = Promise.resolve()
  private next: Promise<void> | null = null

  constructor(disk: Disk, path: string) {
    this.disk = disk
    this.path = path
  }

  /** Resolves when all earlier changes in the directory are durable. */
  sync(): Promise<void> {
    this.next ??= this.running
      .catch(() => {}) // Reported to the callers of that sync.
      .then(() => {
        this.next = null
        this.running = this.disk.syncDirectory(this.path)
        return this.running
      })
    return this.next
  }
}
