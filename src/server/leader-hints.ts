import { errorCode } from '../protocol/errors.ts'
import { aliveNodes, type Node } from './endpoints.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

/** Errors after which each request has room for a hint. */
export const hintedCodes = {
  produce: new Set([errorCode('NOT_LEADER_OR_FOLLOWER')]),
  fetch: new Set([errorCode('NOT_LEADER_OR_FOLLOWER'), errorCode('FENCED_LEADER_EPOCH')]),
  none: new Set<number>(),
}

interface Failed {
  readonly errorCode: number
}

/**
 * Tells who asked the wrong broker which one to ask, so that no Metadata request is needed (KIP-951).
 */
export class LeaderHints {
  private readonly codes: ReadonlySet<number>
  private readonly context: RequestContext
  private readonly services: Services
  /** Made for the first: hardly any answer has one. */
  private ids: Set<number> | null = null

  /** @param codes the errors after which there is a hint. */
  constructor(codes: ReadonlySet<number>, context: RequestContext, services: Services) {
    this.codes = codes
    this.context = context
    this.services = services
  }

  /** The answer, with the leader in it where its error is that another one leads. */
  on<A extends Failed>(answer: A, topic: string | undefined, index: number): A {
    if (!this.codes.has(answer.errorCode) || topic === undefined) return answer
    const partition = this.services.metadata.image.topics.get(topic)?.partitions[index]
    if (partition === undefined) return answer
    const { leader: leaderId, leaderEpoch } = partition
    this.ids ??= new Set()
    this.ids.add(leaderId)
    return { ...answer, currentLeader: { leaderId, leaderEpoch } }
  }

  /** Where the leaders are that were named so far. */
  nodes(): { nodeId: number; host: string; port: number; rack: string | null }[] {
    const { ids } = this
    if (ids === null) return []
    const alive: readonly Node[] = aliveNodes(this.services.metadata.image, this.context)
    return alive
      .filter(({ id }) => ids.has(id))
      .map(({ id: nodeId, host, port, rack }) => ({ nodeId, host, port, rack }))
  }
}
