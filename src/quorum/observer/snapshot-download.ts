import { snapshotProblem } from '../snapshot-file.ts'
import type { OffsetAndEpoch } from './followed-log.ts'

/** Maximum bytes of a snapshot, which is in memory as a whole. */
const snapshotBytesMax = 1024 * 1024 * 1024

/** A part of a snapshot from a FetchSnapshot response. */
export interface SnapshotPiece {
  readonly snapshotId: OffsetAndEpoch
  readonly size: number
  readonly position: number
  readonly unalignedRecords: Buffer
}

/** A snapshot that arrives in pieces, which are cut anywhere (KIP-630). */
export class SnapshotDownload {
  readonly id: OffsetAndEpoch
  private readonly pieces: Buffer[] = []
  private bytes = 0

  constructor(id: OffsetAndEpoch) {
    this.id = id
  }

  /** Where the next piece begins. */
  get position(): number {
    return this.bytes
  }

  /**
   * Adds the next piece.
   *
   * @returns the bytes of the complete snapshot; null if more pieces are to come; or, as text, why
   * the download cannot go on.
   */
  add({
    snapshotId,
    size,
    position,
    unalignedRecords: piece,
  }: SnapshotPiece): Buffer | string | null {
    const { endOffset, epoch } = snapshotId
    if (endOffset !== this.id.endOffset || epoch !== this.id.epoch) {
      return `a piece of the snapshot ${endOffset}-${epoch} was sent`
    }
    if (position !== this.bytes) return `a piece at position ${position} was sent`
    if (size > snapshotBytesMax) return `${size} bytes are more than ${snapshotBytesMax}`
    if (piece.length === 0 && this.bytes < size) return 'an empty piece was sent'
    this.pieces.push(piece)
    this.bytes += piece.length
    if (this.bytes > size) return `${this.bytes} bytes were sent of ${size}`
    if (this.bytes < size) return null
    const whole = Buffer.concat(this.pieces)
    return snapshotProblem(whole) ?? whole
  }
}
