import type { SocketDescriptor } from './sendfile.ts'

/** Bytes that stay where they are, in a file, until they are sent. */
export interface LaterBytes {
  readonly byteLength: number
  /**
   * `length` bytes from `from` on, neither beyond the end; fewer only where they are gone. What it answers
   * is the asker's until it gives it back to the buffer pool.
   */
  read(from: number, length: number): Buffer | Promise<Buffer>
  /**
   * Has the kernel hand as much of them to a socket as it takes now, from `from` on and `length` at the most.
   * See `Sendfile` for what it answers.
   */
  readonly send?:
    | ((to: SocketDescriptor, from: number, length: number) => number | Promise<number>)
    | undefined
}

/** A part of a message on its way out. */
export type Piece = Uint8Array | LaterBytes

export const isAtHand = (piece: Piece): piece is Uint8Array => piece instanceof Uint8Array
