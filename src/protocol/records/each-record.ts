import type { Turns } from '../../base/turns.ts'
import type { RecordWalk, See } from './record-walk.ts'

/** Number of records between two checks of the clock. */
const recordsBetween = 256

/**
 * Calls `see` for `count` records in order and checks that no bytes are left behind them. Always
 * closes the walk. Returns a promise only if it must wait for a piece or for the event loop.
 *
 * @throws ApiError (also as a rejection) of `RecordWalk`, and errors of `see`.
 */
export function eachRecord(
  walk: RecordWalk,
  count: number,
  see: See,
  turns: Turns,
): void | Promise<void> {
  let isGoingOn = false
  try {
    for (let i = 0; i < count; ) {
      const to = Math.min(count, i + recordsBetween)
      const reached = walk.showHeld(i, to, see)
      if (reached < 0) return
      const isOver = reached < count && reached === to && turns.isOver()
      i = reached
      if (reached === to && !isOver) continue
      const ready = isOver ? turns.next().then(() => walk.next()) : walk.next()
      if (ready !== true) {
        isGoingOn = true
        return goOn(walk, count, see, turns, i, ready)
      }
      if (see(walk.cursor, i) === false) return
      i++
    }
    const end = walk.finish()
    if (end === undefined) return
    isGoingOn = true
    return end.finally(() => walk.close())
  } finally {
    if (!isGoingOn) walk.close()
  }
}

async function goOn(
  walk: RecordWalk,
  count: number,
  see: See,
  turns: Turns,
  from: number,
  first: Promise<true>,
): Promise<void> {
  try {
    await first
    if (see(walk.cursor, from) === false) return
    for (let i = from + 1; i < count; ) {
      const to = Math.min(count, i + recordsBetween)
      i = walk.showHeld(i, to, see)
      if (i < 0) return
      if (i === to) {
        if (turns.isOver()) await turns.next()
        continue
      }
      const ready = walk.next()
      if (ready !== true) await ready
      if (see(walk.cursor, i) === false) return
      i++
    }
    await walk.finish()
  } finally {
    walk.close()
  }
}
