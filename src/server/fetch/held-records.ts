import { isAtHand, type LaterBytes } from '../../base/pieces.ts'
import type { FetchResponse } from '../../protocol/messages/01-fetch.ts'

export type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number]

/**
 * File regions that one fetch has found. Their files are not removed before they are released. The
 * response takes over the regions it contains; the others are released at the end.
 */
export class HeldRecords {
  private readonly all = new Set<LaterBytes>()
  private isOver = false

  /** Holds records; releases them at once if the fetch has already been answered. */
  add(records: LaterBytes): void {
    if (this.isOver) records.release?.()
    else this.all.add(records)
  }

  /** Releases records of a poll that found too little: they are read again. */
  drop(parts: readonly { readonly answer: PartitionAnswer }[]): void {
    if (this.all.size === 0) return
    for (const { answer } of parts) {
      const records = laterOf(answer.records)
      if (records !== null && this.all.delete(records)) records.release?.()
    }
  }

  /** Hands the response's records over: the sender of the response releases them. */
  handOver(answer: Pick<FetchResponse, 'responses'>): void {
    if (this.all.size === 0) return
    for (const { partitions } of answer.responses) {
      for (const { records } of partitions) {
        const later = laterOf(records)
        if (later !== null) this.all.delete(later)
      }
    }
  }

  /** Releases the remaining records. */
  end(): void {
    this.isOver = true
    for (const records of this.all) records.release?.()
    this.all.clear()
  }
}

function laterOf(records: PartitionAnswer['records']): LaterBytes | null {
  if (records === null || Array.isArray(records)) return null
  const piece = records as LaterBytes | Uint8Array
  return isAtHand(piece) ? null : piece
}
