import { RE2JS, RE2JSSyntaxException } from 're2js'
import { Refusal } from '../../protocol/errors.ts'
import type { Client, ResolveRegexes } from './commands.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { sameNames } from './consumer-member.ts'
import { type Change, type ConsumerReconcile, regexTombstone } from './consumer-reconcile.ts'
import type { Draft, ShardContext } from './group.ts'
import { Subscriptions } from './subscriptions.ts'

/** How often a group's expressions are held against the topics at most (Kafka: 10 s). */
const refreshIntervalMsMin = 10_000

const resolveTimer = (groupId: string) => `regex/${groupId}`

/**
 * Subscriptions by regular expression, in RE2's syntax. They are held against the topics outside of
 * the heartbeat that asks for it, so that a heartbeat is short; the group's epoch follows.
 */
export class Regexes {
  private readonly shard: ShardContext
  private readonly reconcile: ConsumerReconcile
  /** The version of the metadata that last brought a new topic; soft. */
  private versionWithNewTopics = -1

  constructor(shard: ShardContext, reconcile: ConsumerReconcile) {
    this.shard = shard
    this.reconcile = reconcile
  }

  /** Topics came: expressions that were resolved before may stand for more now. */
  topicsCame(version: number): void {
    this.versionWithNewTopics = version
  }

  /**
   * Takes note of the expression that a member subscribes by.
   *
   * @returns `resolved` when its topics are known already, `updated` when they are yet to be found.
   * @throws Refusal INVALID_REGULAR_EXPRESSION
   */
  update(
    change: Change,
    client: Client,
    out: Draft,
    nowMs: number,
  ): 'unchanged' | 'updated' | 'resolved' {
    const { group, before, after } = change
    const [old, regex] = [before.subscribedTopicRegex, after.subscribedTopicRegex]
    const users = (expression: string) => group.subscriptions.regexes.get(expression) ?? 0
    let status: 'unchanged' | 'updated' | 'resolved' = 'unchanged'
    let isNew = false
    if (old !== regex) {
      status = 'updated'
      if (old && users(old) === 1) out.records.push(regexTombstone(group.groupId, old))
      if (!regex) status = old ? 'resolved' : 'updated'
      else if (users(regex) === 0) {
        compile(regex)
        isNew = true
      } else if (group.regexes.has(regex)) status = 'resolved'
    }
    if (isNew || group.subscriptions.regexes.size > 0) {
      this.maybeResolve(change, isNew, client, out, nowMs)
    }
    return status
  }

  private maybeResolve(
    change: Change,
    isNew: boolean,
    client: Client,
    out: Draft,
    nowMs: number,
  ): void {
    const { group } = change
    const { groupId } = group
    const [last] = group.regexes.values()
    const lastMs = last?.timestampMs ?? Number.NEGATIVE_INFINITY
    if (nowMs <= lastMs + refreshIntervalMsMin) return
    const regexes = [...this.reconcile.subscriptionsAfter(change).regexes.keys()]
    const isDue =
      isNew ||
      regexes.length !== group.regexes.size ||
      (last?.version ?? 0) < this.versionWithNewTopics ||
      nowMs > lastMs + this.shard.config.groupConsumerRegexRefreshIntervalMs
    if (!isDue || regexes.length === 0) return
    const command = { kind: 'resolveRegexes', groupId, regexes, client } as const
    out.setTimerIfAbsent(resolveTimer(groupId), nowMs, command)
  }

  /** Finds the topics that the expressions stand for, as far as the client may know of them. */
  resolve({ groupId, regexes, client }: ResolveRegexes, out: Draft, nowMs: number): void {
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ConsumerGroup)) return
    const resolved = new Map(group.regexes)
    const { version } = this.shard.topics
    let isChanged = false
    for (const regex of regexes) {
      if (!group.subscriptions.regexes.has(regex)) continue
      const topics = this.topicsOf(regex, client)
      if (!sameNames(topics, resolved.get(regex)?.topics ?? [])) isChanged = true
      resolved.set(regex, { topics, version, timestampMs: nowMs })
      out.records.push({
        type: 'ConsumerGroupRegularExpression',
        key: { groupId, regularExpression: regex },
        value: { topics, version, timestamp: nowMs },
      })
    }
    const { topics } = Subscriptions.of(group.members.values(), resolved)
    const metadataHash = this.reconcile.hashes.ofGroup(topics.keys())
    if (!isChanged && metadataHash === group.metadataHash) return
    this.reconcile.bumpEpoch(group, group.groupEpoch + 1, metadataHash, out)
    group.markFresh(group.groupEpoch + 1)
  }

  private topicsOf(regex: string, client: Client): readonly string[] {
    let pattern: RE2JS
    try {
      pattern = RE2JS.compile(regex)
    } catch {
      // Written by a release whose syntax is wider than ours: stands for nothing.
      return []
    }
    const topics: string[] = []
    for (const { name } of this.shard.topics.all()) {
      if (pattern.matches(name) && client.mayDescribe(name)) topics.push(name)
    }
    return topics.sort()
  }
}

/** @throws Refusal INVALID_REGULAR_EXPRESSION */
function compile(regex: string): void {
  try {
    RE2JS.compile(regex)
  } catch (error) {
    const why = error instanceof RE2JSSyntaxException ? error.getDescription() : String(error)
    throw new Refusal(
      'INVALID_REGULAR_EXPRESSION',
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${why}.`,
    )
  }
}
