import { onceWithKoffi } from './koffi.ts'

/** The holder of a file lock: a process id, or unknown to the kernel. */
export interface LockHolder {
  /** Null for a process in another container, and for a lock that belongs to an open file. */
  readonly pid: number | null
}

/**
 * Linux's fcntl(2) locks of open files (`F_OFD_SETLK`), which Node does not offer. They conflict
 * with the locks of Java's `FileChannel.lock`, also in other containers, and end with the
 * descriptor, however the process ends.
 */
export interface FileLock {
  /**
   * Locks the file of a writable descriptor until it is closed.
   *
   * @returns null if the lock is taken; the holder if another has it; undefined if the file system
   * does not support such locks.
   */
  take(descriptor: number): LockHolder | null | undefined
}

/** Values in <fcntl.h> on x64 and arm64. */
const F_OFD_GETLK = 36
const F_OFD_SETLK = 37
const F_WRLCK = 1
const F_UNLCK = 2
/** Size and offset in bytes of `struct flock`: type, whence, start, length (0: to the end), pid. */
const flockBytes = 32
const pidAt = 24

/** Loads the locks on the first call; resolves with null if C cannot be called. */
export const loadFileLock = onceWithKoffi<FileLock>((koffi) => {
  const fcntl = koffi.load(null).func('int fcntl(int descriptor, int command, ...)')
  const { EACCES, EAGAIN } = koffi.os.errno
  const lockOf = (type: number) => {
    const lock = Buffer.alloc(flockBytes)
    lock.writeInt16LE(type, 0)
    return lock
  }
  return {
    take(descriptor) {
      if (fcntl(descriptor, F_OFD_SETLK, 'void *', lockOf(F_WRLCK)) === 0) return null
      if (![EACCES, EAGAIN].includes(koffi.errno())) return undefined
      const held = lockOf(F_WRLCK)
      const isKnown = fcntl(descriptor, F_OFD_GETLK, 'void *', held) === 0
      // The lock may have been released meanwhile; a new attempt would then succeed.
      if (!isKnown || held.readInt16LE(0) === F_UNLCK) return { pid: null }
      const pid = held.readInt32LE(pidAt)
      return { pid: pid > 0 ? pid : null }
    },
  }
})
