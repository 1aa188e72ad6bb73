import { errorCode } from '../protocol/errors.ts'
import { aliveNodes, type Node } from './endpoints.ts'
import type { Services } from './services.ts'
import type { Session } from './session.ts'

/** Error codes with which each response may carry the current leader. */
export const hintedCodes = {
  produce: new Set([errorCode('NOT_LEADER_OR_FOLLOWER')]),
  fetch: new Set([errorCode('NOT_LEADER_OR_FOLLOWER'), errorCode('FENCED_LEADER_EPOCH')]),
  none: new Set<number>(),
}

interface Failed {
  readonly errorCode: number
}

/**
 * Adds the current leader to responses of the wrong broker, which saves the client a Metadata
 * request (KIP-951).
 */
export class LeaderHints {
  private readonly codes: ReadonlySet<number>
  private readonly session: Session
  private readonly services: Services
  /** Created on first use: hardly any response needs it. */
  private ids: Set<number> | null = null

  /** @param codes the errors with which the current leader is sent. */
  constructor(codes: ReadonlySet<number>, session: Session, services: Services) {
    this.codes = codes
    this.session = session
    this.services = services
  }

  /** Returns the answer, with the current leader if its error code calls for it. */
  on<A extends Failed>(answer: A, topic: string | undefined, index: number): A {
    if (!this.codes.has(answer.errorCode) || topic === undefined) return answer
    const partition = this.services.metadata.image.topics.get(topic)?.partitions[index]
    if (partition === undefined) return answer
    const { leader: leaderId, leaderEpoch } = partition
    this.ids ??= new Set()
    this.ids.add(leaderId)
    return { ...answer, currentLeader: { leaderId, leaderEpoch } }
  }

  /** Returns the addresses of the leaders named so far. */
  nodes(): { nodeId: number; host: string; port: number; rack: string | null }[] {
    const { ids } = this
    if (ids === null) return []
    const alive: readonly Node[] = aliveNodes(this.services.metadata.image, this.session)
    return alive
      .filter(({ id }) => ids.has(id))
      .map(({ id: nodeId, host, port, rack }) => ({ nodeId, host, port, rack }))
  }
}
