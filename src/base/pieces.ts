import type { SocketDescriptor } from './sendfile.ts'

/** Bytes in a file that are read only when they are sent. */
export interface LaterBytes {
  readonly byteLength: number
  /**
   * Reads `length` bytes from `from` on, both within the range; fewer only if the file has become
   * shorter. The caller owns the result and releases it to the buffer pool.
   */
  read(from: number, length: number): Buffer | Promise<Buffer>
  /**
   * Lets the kernel copy up to `length` bytes from `from` on to a socket, as many as it accepts
   * now. `Sendfile` describes the result.
   */
  readonly send?:
    | ((to: SocketDescriptor, from: number, length: number) => number | Promise<number>)
    | undefined
  /**
   * Must be called once the bytes are sent or will not be sent. Until then they are readable even
   * if their file is removed, and use disk space.
   */
  readonly release?: (() => void) | undefined
}

/** A part of an outgoing message. */
export type Piece = Uint8Array | LaterBytes

export const isAtHand = (piece: Piece): piece is Uint8Array => piece instanceof Uint8Array

/** Releases the files of a message that is not sent. */
export function releaseAll(pieces: readonly Piece[]): void {
  for (const piece of pieces) if (!isAtHand(piece)) piece.release?.()
}
