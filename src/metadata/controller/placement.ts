import type { Random } from '../../base/random.ts'
import { ApiError } from '../../protocol/errors.ts'
import type { BrokerSettings } from '../config/settings.ts'
import type { BrokerState, Image } from '../image.ts'

/** Maximum replication factor: data is not copied between brokers yet. */
const replicasMax = 1

/**
 * Returns the replication factor granted for a requested one: capped if
 * `odradek.replication.factor.capped` is set, else unchanged.
 */
export function grantedFactor(factor: number, settings: BrokerSettings): number {
  const isCapped = settings.bool('odradek.replication.factor.capped')
  return isCapped ? Math.min(factor, replicasMax) : factor
}

/** @throws ApiError INVALID_REPLICATION_FACTOR for more replicas than data is kept in. */
export function checkReplicated(factor: number): void {
  if (factor <= replicasMax) return
  throw new ApiError(
    'INVALID_REPLICATION_FACTOR',
    `Unable to replicate the partition ${factor} time(s): data is kept in ${replicasMax} copy so ` +
      'far. With odradek.replication.factor.capped=true a higher factor is taken for 1.',
  )
}

/** Whether a broker takes new replicas: some directory of it is not cordoned (KIP-1066). */
export function hasOpenDirectory({ logDirs, cordonedLogDirs }: BrokerState): boolean {
  if (logDirs.length === 0 || cordonedLogDirs === null) return true
  return logDirs.some((directory) => !cordonedLogDirs.includes(directory))
}

/**
 * Places replicas across racks, then across the brokers of each rack, one step further with each
 * partition, from a random start; uses fenced brokers only if the others do not suffice. Modelled
 * on Kafka's StripedReplicaPlacer.
 * @returns the replicas of each partition, the preferred leader first.
 * @throws ApiError INVALID_REPLICATION_FACTOR with fewer brokers than replicas, or none alive.
 */
export function placeReplicas(
  image: Image,
  partitionCount: number,
  replicationFactor: number,
  random: Random,
): number[][] {
  const brokers = [...image.brokers.values()].filter(
    (broker) => !broker.inControlledShutdown && hasOpenDirectory(broker),
  )
  const unfenced = brokers.filter(({ fenced }) => !fenced)
  if (unfenced.length === 0) {
    throw new ApiError('INVALID_REPLICATION_FACTOR', 'All brokers are currently fenced.')
  }
  if (brokers.length < replicationFactor) {
    throw new ApiError(
      'INVALID_REPLICATION_FACTOR',
      `The target replication factor of ${replicationFactor} cannot be reached because only ` +
        `${brokers.length} broker(s) are registered or some brokers have all their log ` +
        'directories cordoned.',
    )
  }
  const rounds = new Rounds(unfenced, random)
  return Array.from({ length: partitionCount }, (_, partition) =>
    rounds.replicas(partition, replicationFactor),
  )
}

/** Orders all brokers so that neighbours are in different racks where possible. */
class Rounds {
  private readonly byRack: readonly (readonly number[])[]
  private readonly random: Random
  private order: readonly number[] = []
  private readonly start: number

  constructor(
    brokers: readonly { readonly id: number; readonly rack: string | null }[],
    random: Random,
  ) {
    const racks = new Map<string | null, number[]>()
    for (const { id, rack } of brokers) {
      const ids = racks.get(rack)
      if (ids === undefined) racks.set(rack, [id])
      else ids.push(id)
    }
    this.byRack = [...racks.values()]
    this.random = random
    this.start = random.int(brokers.length)
  }

  /** Returns a partition's replicas: each broker leads once per round; rounds differ in order. */
  replicas(partition: number, factor: number): number[] {
    const step = partition % Math.max(1, this.order.length)
    if (step === 0) this.order = interleaved(this.byRack, this.random)
    const { order, start } = this
    return Array.from(
      { length: Math.min(factor, order.length) },
      (_, replica) => order[(start + step + replica) % order.length]!,
    )
  }
}

function interleaved(byRack: readonly (readonly number[])[], random: Random): number[] {
  const racks = shuffled(byRack, random).map((ids) => shuffled(ids, random))
  const longest = Math.max(...racks.map((ids) => ids.length))
  return Array.from({ length: longest }, (_, i) => i).flatMap((i) =>
    racks.flatMap((ids) => (i < ids.length ? [ids[i]!] : [])),
  )
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const copy = [...values]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.int(i + 1)
    ;[copy[i], copy[j]] = [copy[j]!, copy[i]!]
  }
  return copy
}
