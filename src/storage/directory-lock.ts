import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { type FileLock, loadFileLock } from '../base/file-lock.ts'
import { type DirectoryLock, DirectoryLocked } from './disk.ts'

/** Same name as in Kafka, whose lock file is empty and is never read by it. */
const lockFileName = '.lock'

/** Directories locked by brokers of this process. */
const held = new Set<string>()

/** Maximum number of times that a lock file is reopened because its holder removed it meanwhile. */
const attemptsMax = 10

interface Holder {
  readonly pid: number
  /** Start time of the process from the kernel, because pids are reused. Null if unknown. */
  readonly started: string | null
}

/**
 * Locks a directory with the kernel's lock on its `.lock` file, as Apache Kafka does. The file also
 * names the holder, for the error message and for systems without the kernel's lock (not Linux, or
 * no `koffi`). On these a lock of a dead process is taken over, and a process in another container
 * is not detected.
 *
 * @param load loads the kernel's file locks.
 * @throws DirectoryLocked
 */
export async function lockDirectory(
  directory: string,
  load: () => Promise<FileLock | null> = loadFileLock,
): Promise<DirectoryLock> {
  const path = join(directory, lockFileName)
  const key = resolve(directory)
  if (held.has(key)) throw new DirectoryLocked(directory, 'another broker in this process')
  held.add(key)
  let descriptor: number | null = null
  try {
    descriptor = lockFile(directory, path, await load())
    const foreign = descriptor === null ? kernelLockOn(path) : null
    const holder = foreign ?? namedHolder(path)
    if (holder !== null) throw new DirectoryLocked(directory, holder)
    const me: Holder = { pid: process.pid, started: startOf(process.pid) }
    await fs.promises.writeFile(path, `${JSON.stringify(me)}\n`)
  } catch (error) {
    held.delete(key)
    if (descriptor !== null) fs.closeSync(descriptor)
    throw error
  }
  const taken = descriptor
  return {
    release: async () => {
      if (!held.delete(key)) return
      try {
        await fs.promises.writeFile(path, '')
      } finally {
        if (taken !== null) fs.closeSync(taken)
      }
    },
  }
}

/**
 * Takes the kernel's lock.
 *
 * @returns the locked descriptor; null if there are no kernel locks.
 * @throws DirectoryLocked
 */
function lockFile(directory: string, path: string, lock: FileLock | null): number | null {
  if (lock === null) return null
  for (let i = 0; i < attemptsMax; i++) {
    const descriptor = fs.openSync(path, 'a+')
    try {
      const holder = lock.take(descriptor)
      if (holder === undefined) return close(descriptor)
      if (holder !== null) throw new DirectoryLocked(directory, nameOf(holder.pid, path))
      // Apache Kafka removes the file when it stops; a lock on the removed file protects nothing.
      const found = fs.statSync(path, { throwIfNoEntry: false })
      if (found?.ino === fs.fstatSync(descriptor).ino) return descriptor
    } catch (error) {
      close(descriptor)
      throw error
    }
    close(descriptor)
  }
  throw new DirectoryLocked(directory, 'a process that is about to stop')
}

function close(descriptor: number): null {
  fs.closeSync(descriptor)
  return null
}

/** Describes the process that has the kernel's lock. */
function nameOf(pid: number | null, path: string): string {
  if (pid !== null) return `process ${pid}`
  const named = readHolder(path)
  const isHere = typeof named?.pid === 'number' && startOf(named.pid) === named.started
  return isHere ? `process ${named.pid}` : 'a process of another container'
}

function readHolder(path: string): Partial<Holder> | null {
  try {
    return JSON.parse(fs.readFileSync(path, 'utf8'))
  } catch {
    return null // The file is missing or empty: written by Apache Kafka, or released.
  }
}

/** Returns the holder named in the lock file; null if that process is not alive. */
function namedHolder(path: string): string | null {
  const holder = readHolder(path)
  if (typeof holder?.pid !== 'number' || holder.pid === process.pid) return null
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
 * Returns field 22 (start time) of /proc/PID/stat. Fields are counted behind the process name,
 * which may contain any character. Null also for a zombie: a killed process whose parent has not
 * reaped it holds no lock.
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

/** Returns the process with a POSIX lock on the file, as Java takes it; null if none or unknown. */
function kernelLockOn(path: string): string | null {
  try {
    const inode = fs.statSync(path).ino
    const lines = fs.readFileSync('/proc/locks', 'utf8').split('\n')
    const line = lines.find((each) => each.includes(`:${inode} `) && each.includes('POSIX'))
    return line === undefined ? null : `process ${line.trim().split(/\s+/)[4]}`
  } catch {
    return null
  }
}
