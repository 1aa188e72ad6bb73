import { type Clock, pause } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Carrier, NodeAddress } from '../channel/channel.ts'
import { describeCluster } from '../protocol/messages/60-describe-cluster.ts'
import { CannotUseDirectory } from '../storage/directory-identity.ts'
import { endpointTypes } from './endpoint-types.ts'

/** The first version that controllers answer (KIP-919). */
const version = 1
/** Time for one controller to answer, in ms, and between two rounds of questions. */
const requestTimeoutMs = 5000
const retryMs = 500

/**
 * Asks the controllers of a quorum for the id of its cluster, for new directories of a broker that
 * joins it; Kafka wants them formatted with that id.
 * @throws (rejects) CannotUseDirectory if none has answered within `timeoutMs`.
 */
export async function quorumClusterId(
  bootstrap: readonly NodeAddress[],
  carrier: Carrier,
  timeoutMs: number,
  clock: Clock,
): Promise<string> {
  const untilMs = clock.monotonicMs() + timeoutMs
  for (;;) {
    let why = 'none is named'
    for (const address of bootstrap) {
      const channel = carrier.open(address, { clientId: 'odradek', asksVersions: true })
      try {
        const body = {
          endpointType: endpointTypes.controllers,
          includeClusterAuthorizedOperations: false,
        }
        const options = { timeoutMs: requestTimeoutMs }
        const { clusterId, errorMessage } = await channel.send(
          describeCluster,
          version,
          body,
          options,
        )
        if (clusterId !== '') return clusterId
        why = errorMessage ?? 'it has none'
      } catch (error) {
        why = messageOf(error)
      } finally {
        channel.close()
      }
    }
    if (clock.monotonicMs() >= untilMs) {
      throw new CannotUseDirectory(
        `the directories are new, and no controller has named the cluster id: ${why}`,
      )
    }
    await pause(clock, retryMs)
  }
}
