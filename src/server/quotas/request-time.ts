import { soon } from '../../base/turns.ts'
import type { Call } from '../interceptor.ts'

/** One pass of the event loop. */
interface Turn {
  isOver: boolean
}

/**
 * How long a request has kept the event loop busy. What is answered within the turn in which it
 * began counts as a whole; for an answer that had to wait only the part before the wait is known.
 */
export class RequestTime {
  private readonly call: Call
  private readonly startMs: number
  private readonly turn: Turn

  constructor(call: Call, startMs: number, turn: Turn) {
    this.call = call
    this.startMs = startMs
    this.turn = turn
  }

  /** In percent of a second, as the quota `request_percentage` counts. */
  percent(nowMs: number): number {
    const busyMs = this.turn.isOver ? this.call.handledMs : nowMs - this.startMs
    return busyMs / 10
  }
}

/** Says which turn of the event loop it is. */
export class LoopTurn {
  private turn: Turn | null = null

  get current(): Turn {
    if (this.turn !== null) return this.turn
    const turn = { isOver: false }
    this.turn = turn
    soon(() => {
      turn.isOver = true
      this.turn = null
    })
    return turn
  }
}
