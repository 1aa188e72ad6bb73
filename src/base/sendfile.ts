import { onceWithKoffi } from './koffi.ts'

/** A descriptor of an open socket at the moment of the call; -1 when it is closed. */
export type SocketDescriptor = () => number

/**
 * Linux's sendfile(2), which Node has no word for: the kernel hands pages of a file to a socket, and
 * nobody copies them on the way. Both calls answer how many bytes the socket has taken, 0 when it has no
 * room now, -1 when nothing will go this way. Who is told of anything but a full count writes the
 * ordinary way, and hears from there what is the matter.
 */
export interface Sendfile {
  /** At once, on the caller's thread. */
  now(socket: SocketDescriptor, file: number, position: number, length: number): number
  /** On the thread pool, for what has to come from a disk. */
  later(socket: SocketDescriptor, file: number, position: number, length: number): Promise<number>
}

/** Null where C cannot be called. Loaded at the first call. */
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
      // The socket may be closed, and its number be another's, before the pool comes to it.
      const own = descriptor < 0 ? -1 : (dup(descriptor) as number)
      if (own < 0) return Promise.resolve(-1)
      const from = new BigInt64Array([BigInt(position)])
      return new Promise((resolve, reject) => {
        sendfile.async(own, file, from, length, (error: Error | null, sent: number) => {
          close(own)
          // What the other thread's error was is not known here: the next call will tell.
          if (error) reject(error)
          else resolve(Math.max(sent, 0))
        })
      })
    },
  }
})
