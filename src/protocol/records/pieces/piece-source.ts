/**
 * Decompressed bytes in pieces, so that the time and memory used at once do not depend on the
 * decompressed size of a batch.
 */
export interface PieceSource {
  /**
   * Returns the next piece, never empty; null at the end. It is valid until the next call.
   *
   * @throws (or rejects) if the bytes cannot be decompressed.
   */
  next(): Buffer | null | Promise<Buffer | null>
  /** Releases the resources of the source. No piece may be used or requested afterwards. */
  close(): void
}

/** Compresses bytes piece by piece. */
export interface PieceSink {
  /** The caller may reuse the bytes once this has returned (or resolved). */
  add(bytes: Buffer): void | Promise<void>
  /** Returns the complete compressed bytes. Must be called once, after the last piece. */
  end(): Buffer | Promise<Buffer>
}

/** Bytes that are not compressed, as a single piece. */
export class OnePiece implements PieceSource {
  private piece: Buffer | null

  constructor(bytes: Buffer) {
    this.piece = bytes.length === 0 ? null : bytes
  }

  next(): Buffer | null {
    const { piece } = this
    this.piece = null
    return piece
  }

  close(): void {}
}
