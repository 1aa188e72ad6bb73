import { listOffsets } from '../src/protocol/messages/02-list-offsets.ts'
import type { Target } from '../test/compat/targets.ts'
import { Line } from '../test/compat/wire/peer.ts'
import { sleep } from './measure.ts'

/** The ListOffsets result for a partition's end. */
export interface End {
  readonly errorCode: number
  /** -1 if there is an error. */
  readonly offset: number
}

/** @throws Error after `patienceMs`. */
export async function untilEnds(
  target: Target,
  o: {
    readonly topics: readonly string[]
    /** Partitions per topic. */
    readonly partitions: number
    readonly areGood: (ends: readonly End[]) => boolean
    readonly what: string
    readonly patienceMs: number
    readonly pauseMs: number
  },
): Promise<void> {
  const partitions = Array.from({ length: o.partitions }, (_, partitionIndex) => ({
    partitionIndex,
    timestamp: -1,
  }))
  const topics = o.topics.map((name) => ({ name, partitions }))
  const deadlineMs = performance.now() + o.patienceMs
  while (performance.now() < deadlineMs) {
    const line = new Line(target.port, o.patienceMs)
    const answer = await line.ask(listOffsets, 7, { replicaId: -1, isolationLevel: 0, topics })
    line.close()
    if (typeof answer !== 'string') {
      const told = answer.topics as readonly { readonly partitions: readonly End[] }[]
      if (o.areGood(told.flatMap((topic) => topic.partitions))) return
    }
    await sleep(o.pauseMs)
  }
  throw new Error(`${o.what}: ${target.describe()}`)
}
