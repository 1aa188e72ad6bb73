import type { NodeAddress } from '../../channel/channel.ts'
import { ObserverFault } from './observer-fault.ts'

/** The leader of the metadata log, as an answer names it. */
export interface LeaderNews {
  readonly epoch: number
  /** -1 for none. */
  readonly leaderId: number
  /** Null if the answer does not contain it. */
  readonly address: NodeAddress | null
}

/** The epoch of the quorum and its leader, as far as answers have told (KIP-595). */
export class KnownLeader {
  private news: LeaderNews = { epoch: 0, leaderId: -1, address: null }

  get epoch(): number {
    return this.news.epoch
  }

  get isKnown(): boolean {
    return this.news.leaderId >= 0
  }

  /** Where the leader is reached; null without a leader, and while its address is not known. */
  get address(): NodeAddress | null {
    return this.news.address
  }

  /**
   * Takes in what an answer says, unless it is older than what is known.
   *
   * @returns whether it says something new.
   * @throws ObserverFault for two leaders in one epoch.
   */
  learn(news: LeaderNews): boolean {
    const { epoch, leaderId, address } = this.news
    if (news.epoch < epoch) return false
    if (news.epoch > epoch) {
      this.news = news
      return true
    }
    if (news.leaderId < 0) return false
    if (leaderId >= 0 && news.leaderId !== leaderId) {
      throw new ObserverFault(
        `the controllers ${leaderId} and ${news.leaderId} both lead in epoch ${epoch}`,
      )
    }
    if (leaderId >= 0 && (address !== null || news.address === null)) return false
    this.news = news
    return true
  }
}
