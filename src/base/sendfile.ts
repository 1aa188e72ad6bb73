import { onceWithKoffi } from './koffi.ts'

/** Returns the descriptor of an open socket at the time of the call; -1 if it is closed. */
export type SocketDescriptor = () => number

/**
 * Linux's sendfile(2), which Node does not offer: the kernel copies pages of a file to a socket
 * without a copy in user space. Both calls return the bytes accepted by the socket: 0 if it has no
 * space now, -1 if this method fails. After anything but a full count the caller uses ordinary
 * writes, which report the error.
 */
export interface Sendfile {
  /** Runs on the caller's thread. */
  now(socket: SocketDescriptor, file: number, position: number, length: number): number
  /** Runs on the thread pool, for bytes that must be read from a disk. */
  later(socket: SocketDescriptor, file: number, position: number, length: number): Promise<number>
}

/** Loads sendfile on the first call; resolves with null if C cannot be called. */
export const loadSendfile = onceWithKoffi<Sendfile>((koffi) => {
  const libc = koffi.load(null)
  const sendfile = libc.func('long sendfile(int out, int in, void *offset, size_t count)')
  const dup = libc.func('int dup(int descriptor)')
  const close = libc.func('int close(int descriptor)')
  const { EAGAIN, EINTR } = koffi.os.errno
  const noRoom = (errno: number) => errno === EAGAIN || errno === EINTR
  const offset = new BigInt64Array(1)
  return {
    now(socket, file, position, length) {
      const descriptor = socket()
      if (descriptor < 0) return -1
      offset[0] = BigInt(position)
      const sent = sendfile(descriptor, file, offset, length) as number
      return sent > 0 || noRoom(koffi.errno()) ? Math.max(sent, 0) : -1
    },
    later(socket, file, position, length) {
      const descriptor = socket()
      // Duplicated because the socket may be closed, and its descriptor reused, before the pool
      // runs this.
      const own = descriptor < 0 ? -1 : (dup(descriptor) as number)
      if (own < 0) return Promise.resolve(-1)
      const from = new BigInt64Array([BigInt(position)])
      return new Promise((resolve, reject) => {
        sendfile.async(own, file, from, length, (error: Error | null, sent: number) => {
          close(own)
          // The errno of the other thread is not available here; the next call reports the error.
          if (error) reject(error)
          else resolve(Math.max(sent, 0))
        })
      })
    },
  }
})
