import { RE2JS } from 're2js'
import { isQuick, quickFaultOf } from '../../../base/expressions.ts'
import { ApiError } from '../../../protocol/errors.ts'
import type { Client, ResolveRegexes } from '../commands.ts'
import type { Draft, ShardContext } from '../group.ts'
import { resolveTimer } from '../timer-keys.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { sameNames } from './consumer-member.ts'
import { type Change, type ConsumerReconcile, regexTombstone } from './consumer-reconcile.ts'
import { Subscriptions } from './subscriptions.ts'

/** Minimum interval (ms) between two resolutions of a group's expressions (Kafka: 10 s). */
const refreshIntervalMsMin = 10_000

/**
 * Subscriptions by regular expression, in RE2's syntax. They are resolved after the heartbeat that
 * requires it, to keep heartbeats short; then the group epoch is bumped.
 */
export class Regexes {
  private readonly shard: ShardContext
  private readonly reconcile: ConsumerReconcile
  /** The metadata version that last added a topic; not in the log. */
  private versionWithNewTopics = -1
  /** Groups whose expressions are being matched on another thread; not in the log. */
  private readonly elsewhere = new Set<string>()

  constructor(shard: ShardContext, reconcile: ConsumerReconcile) {
    this.shard = shard
    this.reconcile = reconcile
  }

  /** Records that topics were added, so that resolved expressions may match more. */
  topicsCame(version: number): void {
    this.versionWithNewTopics = version
  }

  /**
   * Updates the expression that a member subscribes by.
   *
   * @param regexFault the error in it if it was checked on another thread; null if it is valid.
   * @returns `resolved` if its topics are known already, `updated` if they have yet to be
   *   resolved.
   * @throws ApiError INVALID_REGULAR_EXPRESSION
   */
  update(
    change: Change,
    client: Client,
    out: Draft,
    nowMs: number,
    regexFault?: string | null,
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
        check(regex, regexFault)
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
    if (nowMs <= lastMs + refreshIntervalMsMin || this.elsewhere.has(groupId)) return
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

  /**
   * Resolves expressions to topics that the client may describe. Slow expressions are matched on
   * another thread; the same command then comes back with the result.
   */
  resolve(command: ResolveRegexes, out: Draft, nowMs: number): void {
    const { groupId, regexes, client, found } = command
    if (found !== undefined) this.elsewhere.delete(groupId)
    const group = this.shard.groups.get(groupId)
    if (!(group instanceof ConsumerGroup)) return
    const { topics: all } = this.shard
    if (found === undefined) {
      const names = [...all.all()].map(({ name }) => name)
      if (!regexes.every((regex) => isQuick(regex, names.length))) {
        this.elsewhere.add(groupId)
        const { version } = all
        out.effects.push({ kind: 'matchElsewhere', command, names, version })
        return
      }
    }
    const resolved = new Map(group.regexes)
    const version = found?.version ?? all.version
    let isChanged = false
    for (const regex of regexes) {
      if (!group.subscriptions.regexes.has(regex)) continue
      const topics = this.topicsOf(regex, client, found?.names)
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

  private topicsOf(
    regex: string,
    client: Client,
    found: ReadonlyMap<string, readonly string[]> | undefined,
  ): readonly string[] {
    const names = found === undefined ? this.fitting(regex) : (found.get(regex) ?? [])
    return names.filter((name) => client.mayDescribe(name)).sort()
  }

  private fitting(regex: string): string[] {
    let pattern: RE2JS
    try {
      pattern = RE2JS.compile(regex)
    } catch {
      // An expression that another release accepted but this one cannot parse matches no topic.
      return []
    }
    const names: string[] = []
    for (const { name } of this.shard.topics.all()) if (pattern.matches(name)) names.push(name)
    return names
  }
}

/** @throws ApiError INVALID_REGULAR_EXPRESSION */
function check(regex: string, known: string | null | undefined): void {
  const why = known === undefined ? quickFaultOf(regex) : known
  if (why === null) return
  throw new ApiError(
    'INVALID_REGULAR_EXPRESSION',
    `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${why}.`,
  )
}
