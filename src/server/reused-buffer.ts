import { Socket } from 'node:net'

/** How much one read may bring; `ReadPlace` says into whose buffer. */
export const readBufferBytes = 256 * 1024

interface Handle {
  readonly useUserBuffer?: (buffer: Uint8Array) => void
}

/** What Node keeps of an accepted socket and has no word for in public. */
interface Inside {
  _handle: Handle | null
  _server: unknown
  server: unknown
}

/**
 * Has an accepted socket read into memory that it is told before each read. Node can (`onread`), but
 * offers it for outgoing sockets only; so the accepted socket's handle gets a new one around it. A
 * fresh buffer for every 64 KB that arrive would cost more, in collections, than all else here.
 *
 * @param place where the next read puts its bytes.
 * @param onPiece gets the part of that place that was filled.
 * @returns the socket to use from now on; null where this release of Node does not allow it, with
 *   nothing changed.
 */
export function withReusedBuffer(
  socket: Socket,
  place: () => Buffer,
  onPiece: (piece: Buffer) => void,
): Socket | null {
  const accepted = socket as unknown as Inside
  const handle = accepted._handle
  if (typeof handle?.useUserBuffer !== 'function') return null
  accepted._handle = null
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: place,
      callback: (bytes: number, buffer: Uint8Array) => {
        onPiece((buffer as Buffer).subarray(0, bytes))
        return true
      },
    },
  }
  const fresh = new Socket(options as ConstructorParameters<typeof Socket>[0])
  // The server counts its connections by this: it waits for them when it closes.
  const inside = fresh as unknown as Inside
  inside.server = accepted.server
  inside._server = accepted._server
  accepted._server = null
  return fresh
}
