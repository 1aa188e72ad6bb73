import { onceWithKoffi } from './koffi.ts'
import type { SocketDescriptor } from './sendfile.ts'
import { declareSetSocketOption } from './socket-option.ts'

/** Of Linux's sockets, what Node has no word for. */
export interface ReceiveLowWater {
  /**
   * From now on a socket is said to be readable when so many bytes wait (SO_RCVLOWAT of socket(7)); the kernel makes
   * room for them. Who has waited longer is told at once. @returns false where that cannot be had.
   */
  set(socket: SocketDescriptor, bytes: number): boolean
  /** How many bytes wait in a socket. */
  waiting(socket: SocketDescriptor): number
}

/** SOL_SOCKET and SO_RCVLOWAT of <asm-generic/socket.h> */
const option = { level: 1, name: 18 } as const
/** FIONREAD of <asm-generic/ioctls.h> */
const bytesReadable = 0x541b

/** Null where C cannot be called. Loaded at the first call. */
export const loadReceiveLowWater = onceWithKoffi<ReceiveLowWater>((koffi) => {
  const setOption = declareSetSocketOption(koffi)
  const ioctl = koffi
    .load(null)
    .func('int ioctl(int descriptor, unsigned long request, void *value)')
  const value = new Int32Array(1)
  const valueBytes = new Uint8Array(value.buffer)
  return {
    set(socket, bytes) {
      value[0] = bytes
      return setOption(socket(), option, valueBytes)
    },
    waiting(socket) {
      return ioctl(socket(), bytesReadable, value) === 0 ? value[0]! : 0
    },
  }
})
