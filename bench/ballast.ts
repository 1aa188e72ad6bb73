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

/** Memory that has the form of files, and belongs to nobody's resident set. */
const sharedMemory = '/dev/shm'
const pageBytes = 4096
/** One page of so many is kept: hosts take back free memory in blocks of 128 KB, or of 2 MB. */
const keptOneOf = 24
const fileBytes = 48e6
/** What is never filled, so that nothing is pushed out of memory. */
const freeBytes = 500e6
/** So much free memory in blocks that a host may take back is not worth the time to touch it. */
const takeableBytes = 1e9
/** Sizes of blocks are powers of two of pages. From this one on a host may take a free block back. */
const takeableOrder = 5
/** The setting by which a host is told of free blocks: the least order it is told of. */
const reportedOrderFile = '/sys/module/page_reporting/parameters/page_reporting_order'
/** The largest order there is, of which few blocks are free at any time. */
const largestOrder = '10'

function freeMemoryBytes(): number {
  return Number(/^MemFree: +(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024
}

function takeableMemoryBytes(): number {
  const zones = readFileSync('/proc/buddyinfo', 'utf8').trim().split('\n')
  let bytes = 0
  for (const zone of zones) {
    // How many free blocks there are of each power of two of pages.
    const counts = zone.trim().split(/\s+/).slice(4).map(Number)
    counts.forEach((count, order) => {
      if (order >= takeableOrder) bytes += count * pageBytes * 2 ** order
    })
  }
  return bytes
}

/** @returns what was set before; null where nothing is reported, or the setting is not ours to change. */
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
 * Keeps the host of a virtual machine out of the figures. Many hosts take free memory back; the first
 * touch of a page then costs up to twenty times what a write to the page cache does, and is booked on
 * the broker that writes, or reads from a disk. So all memory is touched before, and one page in a
 * hundred kilobytes is kept: what is free between them is in pieces too small to be taken back, and whoever
 * gets it next finds it as on a machine of one's own. Right before each load it is touched again. Where
 * the kernel can be asked (as root) to tell its host of the largest free blocks only, it is, until the end.
 */
export class Ballast {
  private readonly dir: string | null
  private readonly kept: number
  /** What to set again at the end; null: nothing was changed. */
  private readonly reportedOrder: string | null
  private readonly page = Buffer.alloc(pageBytes, 1)
  private readonly given = Buffer.alloc(pageBytes * (keptOneOf - 1), 1)

  constructor() {
    this.dir = existsSync(sharedMemory) ? mkdtempSync(join(sharedMemory, 'bench-ballast-')) : null
    this.kept = this.dir === null ? -1 : openSync(join(this.dir, 'kept'), 'w')
    this.reportedOrder = reportLess()
  }

  /** Touches what memory is free; to be called right before a load. Takes up to a minute at first, then seconds. */
  touch(): void {
    if (this.dir === null) return
    const keeps = takeableMemoryBytes() > takeableBytes
    const files: string[] = []
    // Never more than is free now: the kernel would make room by dropping what it has cached, for ever.
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

  /** @returns false where shared memory has a limit of its own, and that is reached. */
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
