import { existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Memory that has the form of files: given back at once, and to the byte, by removing one. */
const sharedMemory = '/dev/shm'
const pieceBytes = 8_000_000
/** What is left free, and what must be left for programs, page cache included. */
const freeBytes = 600e6
const availableBytes = 4e9
/** How far what is given back is ahead of what the broker has written. */
const leadBytes = 64_000_000
const lookEveryMs = 5

/** Bytes that a process has handed to write calls so far; what it sends from a file is among them. */
function writtenBytes(pid: number): number {
  return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1])
}

function memoryBytes(what: 'MemFree' | 'MemAvailable'): number {
  const text = readFileSync('/proc/meminfo', 'utf8')
  return Number(new RegExp(`^${what}: +(\\d+) kB`, 'm').exec(text)?.[1]) * 1024
}

/**
 * Keeps the host of a virtual machine out of the figures. Many hosts take free memory back; the
 * first touch of a page then costs up to twenty times what a write to the page cache does, and is
 * booked on the broker that writes, or reads from a disk. The ballast holds the machine's memory,
 * and gives back as much as the broker writes, or sends, while it does: what the kernel gives to
 * the page cache was touched before, as on a machine of one's own.
 */
export class Ballast {
  private readonly dir: string | null
  private readonly piece = Buffer.alloc(pieceBytes, 1)
  private pieces = 0

  constructor() {
    this.dir = existsSync(sharedMemory) ? mkdtempSync(join(sharedMemory, 'bench-ballast-')) : null
  }

  /** Does `work`, in which the process writes, with memory given back in step. */
  async around<T>(pid: number, work: () => Promise<T>): Promise<T> {
    if (this.dir === null) return work()
    while (memoryBytes('MemFree') > freeBytes && memoryBytes('MemAvailable') > availableBytes) {
      writeFileSync(this.path(this.pieces++), this.piece)
    }
    const [from, full] = [writtenBytes(pid), this.pieces * pieceBytes]
    const timer = setInterval(() => {
      const written = writtenBytes(pid) - from
      const goal = written < pieceBytes ? full : full - written * 1.05 - leadBytes
      while (this.pieces > 0 && this.pieces * pieceBytes > goal)
        unlinkSync(this.path(--this.pieces))
    }, lookEveryMs)
    try {
      return await work()
    } finally {
      clearInterval(timer)
    }
  }

  /** Gives all of it back. */
  empty(): void {
    while (this.pieces > 0) unlinkSync(this.path(--this.pieces))
  }

  close(): void {
    if (this.dir !== null) rmSync(this.dir, { recursive: true, force: true })
  }

  private path(piece: number): string {
    return join(this.dir!, String(piece))
  }
}
