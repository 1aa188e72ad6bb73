import type { Koffi } from './koffi.ts'

/** Where setsockopt(2) finds an option. */
export interface SocketOption {
  readonly level: number
  readonly name: number
}

/** @returns false where the kernel refuses, and for a socket that is closed. */
export type SetSocketOption = (socket: number, option: SocketOption, value: Uint8Array) => boolean

/** Linux's setsockopt(2), of which Node has words for a few options only. */
export function declareSetSocketOption(koffi: Koffi): SetSocketOption {
  const setsockopt = koffi
    .load(null)
    .func('int setsockopt(int socket, int level, int name, void *value, uint32_t length)')
  return (socket, { level, name }, value) =>
    setsockopt(socket, level, name, value, value.byteLength) === 0
}
