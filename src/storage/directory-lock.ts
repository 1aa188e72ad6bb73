import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { type DirectoryLock, DirectoryLocked } from './disk.ts'

/** Kafka's own name for it; Kafka's file is empty, and it does not read what stands there. */
const lockFileName = '.lock'

/** Directories held by brokers of this process. */
const held = new Set<string>()

interface Holder {
  readonly pid: number
  /** When the process started, as the kernel counts it: pids are used again. Null if unknown. */
  readonly started: string | null
}

/**
 * Takes a directory. Node offers no file locks, so the file names its holder, and a holder that no
 * longer lives is overruled. Where the kernel lists its locks (Linux), one that Apache Kafka holds on
 * the same file is seen too.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, lockFileName)
  const key = resolve(directory)
  if (held.has(key)) throw new DirectoryLocked(directory, 'another broker in this process')
  held.add(key)
  try {
    const holder = await holderOf(path)
    if (holder !== null) throw new DirectoryLocked(directory, holder)
    const me: Holder = { pid: process.pid, started: startOf(process.pid) }
    await fs.promises.writeFile(path, `${JSON.stringify(me)}\n`)
  } catch (error) {
    held.delete(key)
    throw error
  }
  return {
    release: async () => {
      if (held.delete(key)) await fs.promises.writeFile(path, '')
    },
  }
}

/** Who holds the lock file, in words; null if nobody does. */
async function holderOf(path: string): Promise<string | null> {
  const foreign = kernelLockOn(path)
  if (foreign !== null) return `process ${foreign}`
  let holder: Partial<Holder>
  try {
    holder = JSON.parse(await fs.promises.readFile(path, 'utf8'))
  } catch {
    return null // No file, or an empty one: Apache Kafka's, or released.
  }
  if (typeof holder.pid !== 'number' || holder.pid === process.pid) return null
  if (!isAlive(holder.pid) || startOf(holder.pid) !== holder.started) return null
  return `process ${holder.pid}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Field 22 of /proc/PID/stat, counted after the name, which may hold anything. Null also for a process
 * that was killed and only waits for its parent to notice: it holds nothing any more.
 */
function startOf(pid: number): string | null {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}

/** The pid that holds a POSIX lock on the file, as a Java process does; null if none or unknown. */
function kernelLockOn(path: string): string | null {
  try {
    const inode = fs.statSync(path).ino
    const lines = fs.readFileSync('/proc/locks', 'utf8').split('\n')
    const line = lines.find((each) => each.includes(`:${inode} `) && each.includes('POSIX'))
    return line === undefined ? null : (line.trim().split(/\s+/)[4] ?? null)
  } catch {
    return null
  }
}
