import type { Disk } from './disk.ts'

/** Syncs a directory for all who ask: those who come while a sync is under way share the next one. */
export class SharedSync {
  private readonly disk: Disk
  private readonly path: string
  private running: Promise<void> = Promise.resolve()
  private next: Promise<void> | null = null

  constructor(disk: Disk, path: string) {
    this.disk = disk
    this.path = path
  }

  /** Resolves when what was done in the directory before the call will survive a loss of power. */
  sync(): Promise<void> {
    this.next ??= this.running
      .catch(() => {}) // Told to those who shared it.
      .then(() => {
        this.next = null
        this.running = this.disk.syncDirectory(this.path)
        return this.running
      })
    return this.next
  }
}
