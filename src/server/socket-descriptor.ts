import type { Socket } from 'node:net'
import type { SocketDescriptor } from '../base/sendfile.ts'

/** What Node keeps of a socket and has no word for in public. */
interface Inside {
  readonly _handle: { readonly fd?: number } | null
}

/**
 * Where the kernel finds a socket; null where this release of Node does not tell, and where what is
 * sent must be encrypted first.
 */
export function descriptorOf(socket: Socket): SocketDescriptor | null {
  if ('encrypted' in socket) return null
  const inside = socket as unknown as Inside
  const descriptor = () => inside._handle?.fd ?? -1
  return descriptor() < 0 ? null : descriptor
}
