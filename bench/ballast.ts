import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

/** A file system in memory; its pages count towards no process's resident set. */
const sharedMemory = '/dev/shm'
const pageBytes = 4096
/** One page out of this many is kept: hosts take back free memory in blocks of 128 KB or 2 MB. */
const keptOneOf = 24
const fileBytes = 48e6
/** Memory in bytes that is never filled, so that nothing is evicted. */
const freeBytes = 500e6
/**
 * Below this many bytes of free blocks that a host may take back, touching them is not worth the
 * time.
 */
const takeableBytes = 1e9
/**
 * Block sizes are pages times a power of two; a host may take back free blocks of this order or
 * more.
 */
const takeableOrder = 5
/** The kernel setting for the smallest order of free blocks that is reported to the host. */
const reportedOrderFile = '/sys/module/page_reporting/parameters/page_reporting_order'
/** The largest order; few blocks of it are free at any time. */
const largestOrder = '10'

function freeMemoryBytes(): number {
  return Number(/^MemFree: +(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024
}

function takeableMemoryBytes(): number {
  const zones = readFileSync('/proc/buddyinfo', 'utf8').trim().split('\n')
  let bytes = 0
  for (const zone of zones) {
    // The counts of free blocks by order (pages times a power of two).
    const counts = zone.trim().split(/\s+/).slice(4).map(Number)
    counts.forEach((count, order) => {
      if (order >= takeableOrder) bytes += count * pageBytes * 2 ** order
    })
  }
  return bytes
}

/** @returns the previous value; null if nothing is reported, or the setting cannot be changed. */
function reportLess(): string | null {
  try {
    const before = readFileSync(reportedOrderFile, 'utf8')
    writeFileSync(reportedOrderFile, largestOrder)
    return before
  } catch {
    return null
  }
}

/**
 * Keeps effects of a virtual machine's host out of the figures. Many hosts take free memory back;
 * the first touch of a page then costs up to twenty times a write to the page cache and is charged
 * to the broker that writes or reads from disk. Therefore all free memory is touched beforehand,
 * and one page per hundred kilobytes is kept: the free pieces between them are too small to be
 * taken back and behave as on a physical machine. Memory is touched again right before each load.
 * If the kernel allows it (as root), it reports only the largest free blocks to its host until the
 * end.
 */
export class Ballast {
  private readonly dir: string | null
  private readonly kept: number
  /** The value to restore at the end; null if it was not changed. */
  private readonly reportedOrder: string | null
  private readonly page = Buffer.alloc(pageBytes, 1)
  private readonly given = Buffer.alloc(pageBytes * (keptOneOf - 1), 1)

  constructor() {
    this.dir = existsSync(sharedMemory) ? mkdtempSync(join(sharedMemory, 'bench-ballast-')) : null
    this.kept = this.dir === null ? -1 : openSync(join(this.dir, 'kept'), 'w')
    this.reportedOrder = reportLess()
  }

  /**
   * Touches the free memory; call it right before a load. The first call takes up to a minute,
   * later ones seconds.
   */
  touch(): void {
    if (this.dir === null) return
    const keeps = takeableMemoryBytes() > takeableBytes
    const files: string[] = []
    // Never fills more than is free now: the kernel would evict its page cache to make room.
    const filesMax = (freeMemoryBytes() - freeBytes) / fileBytes
    let hasRoom = true
    while (hasRoom && files.length < filesMax && freeMemoryBytes() > freeBytes) {
      const file = join(this.dir, String(files.length))
      files.push(file)
      hasRoom = this.fill(file, keeps)
    }
    for (const file of files) unlinkSync(file)
  }

  close(): void {
    if (this.reportedOrder !== null) writeFileSync(reportedOrderFile, this.reportedOrder)
    if (this.dir === null) return
    closeSync(this.kept)
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** @returns false if the file system's own size limit is reached. */
  private fill(file: string, keeps: boolean): boolean {
    const descriptor = openSync(file, 'w')
    try {
      for (let bytes = 0; bytes < fileBytes; bytes += keptOneOf * pageBytes) {
        writeSync(descriptor, this.given)
        writeSync(keeps ? this.kept : descriptor, this.page)
      }
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
      throw error
    } finally {
      closeSync(descriptor)
    }
  }
}
