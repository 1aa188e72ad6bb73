import { writeSync } from 'node:fs'
import type { Server, Socket } from 'node:net'
import type { SocketDescriptor } from '../base/sendfile.ts'

/** What Node keeps of a socket and has no word for in public. */
interface Inside {
  readonly _handle: { readonly fd?: number } | null
}

/**
 * Where the kernel finds a socket, one that listens too; null where this release of Node does not tell, and where what is
 * sent must be encrypted first.
 */
export function descriptorOf(socket: Socket | Server): SocketDescriptor | null {
  if ('encrypted' in socket) return null
  const inside = socket as unknown as Inside
  const descriptor = () => inside._handle?.fd ?? -1
  return descriptor() < 0 ? null : descriptor
}

/**
 * Writes to a socket whose stream holds nothing: a tenth of what the stream would make of some bytes.
 *
 * @returns how many it has taken: 0 also where it never will. Who gives the stream the rest hears why.
 */
export function writeNow(socket: SocketDescriptor, bytes: Uint8Array): number {
  const descriptor = socket()
  if (descriptor < 0) return 0
  try {
    return writeSync(descriptor, bytes)
  } catch {
    return 0
  }
}
