import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { getTelemetrySubscriptions } from '../../../src/protocol/messages/71-get-telemetry-subscriptions.ts'
import { pushTelemetry } from '../../../src/protocol/messages/72-push-telemetry.ts'
import { compress } from '../../../src/protocol/records/compression.ts'
import { zeroUuid } from '../../../src/protocol/schema.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { settled } from './topics.ts'

const ids = { first: 'AAAAAAAAAAAAAAAAAAAAAg', second: 'AAAAAAAAAAAAAAAAAAAAAw' }

async function subscribe(peer: Peer, name: string, configs: Record<string, string | null>) {
  await peer.ask(incrementalAlterConfigs, 1, {
    validateOnly: false,
    resources: [
      {
        resourceType: 16,
        resourceName: name,
        configs: Object.entries(configs).map(([key, value]) => ({
          ...{ name: key, configOperation: value === null ? 1 : 0, value },
        })),
      },
    ],
  })
  await settled(peer)
}

const ask = (peer: Peer, clientInstanceId: string) =>
  peer.ask(getTelemetrySubscriptions, 0, { clientInstanceId })

/** Nothing is pushed again soon, so that both brokers find the same pushes too early. */
const interval = '3600000'

export const telemetryScenarios: readonly Scenario[] = [
  {
    api: getTelemetrySubscriptions,
    run: async (peer) => {
      // Without an id a random one is assigned.
      const given = await peer.quietly(getTelemetrySubscriptions, 0, { clientInstanceId: zeroUuid })
      peer.names.learn(given.clientInstanceId, 'GIVEN')
      peer.note('an id', { ...given, subscriptionId: 0 })
      await ask(peer, ids.first)
      await ask(peer, ids.first)
      await subscribe(peer, 'one', { metrics: 'org.a', 'interval.ms': interval })
      await ask(peer, ids.first)
      await ask(peer, ids.second)
      await subscribe(peer, 'nobody', { metrics: 'org.b', match: 'client_id=nobody' })
      await ask(peer, 'AAAAAAAAAAAAAAAAAAAABA')
      await subscribe(peer, 'port', { metrics: 'org.c', match: 'client_source_port=\\d+' })
      await subscribe(peer, 'address', { metrics: 'org.d', match: 'client_source_address=127.*' })
      const found = await peer.quietly(getTelemetrySubscriptions, 0, {
        clientInstanceId: 'AAAAAAAAAAAAAAAAAAAABQ',
      })
      // In the order of a hash table; the subscription id depends on the order, too.
      const requestedMetrics = found.requestedMetrics.toSorted()
      peer.note('several', { ...found, requestedMetrics, subscriptionId: 0 })
      await subscribe(peer, 'all', { metrics: '*' })
      await ask(peer, 'AAAAAAAAAAAAAAAAAAAABg')
      for (const name of ['one', 'nobody', 'port', 'address', 'all']) {
        await subscribe(peer, name, { metrics: null, match: null, 'interval.ms': null })
      }
      await ask(peer, 'AAAAAAAAAAAAAAAAAAAABw')
    },
  },
  {
    api: pushTelemetry,
    run: async (peer) => {
      await subscribe(peer, 'pushed', { metrics: 'org.a', 'interval.ms': interval })
      const id = 'AAAAAAAAAAAAAAAAAAAACA'
      const { subscriptionId } = await ask(peer, id)
      const push = (more: object) =>
        peer.ask(pushTelemetry, 0, {
          ...{ clientInstanceId: id, subscriptionId, terminating: false, compressionType: 0 },
          ...{ metrics: Buffer.from([10, 0]), ...more },
        })
      await push({ clientInstanceId: zeroUuid })
      await push({ subscriptionId: subscriptionId + 1 })
      await ask(peer, id)
      await push({ compressionType: 9 })
      await push({ metrics: Buffer.alloc(1_048_577) })
      await push({ metrics: Buffer.alloc(0) })
      await push({ metrics: Buffer.alloc(0) })
      // An unknown client must have the right id of a subscription.
      await push({ clientInstanceId: 'AAAAAAAAAAAAAAAAAAAACQ' })
      await push({ terminating: true })
      await push({ terminating: true })
      await ask(peer, id)
      const others = ['DA', 'DQ', 'Dg', 'Dw', 'EA'].map((end) => `AAAAAAAAAAAAAAAAAAAA${end}`)
      for (const [codec, other] of others.entries()) {
        const answer = await ask(peer, other)
        const plain = Buffer.from([10, 0])
        await push({
          clientInstanceId: other,
          subscriptionId: answer.subscriptionId,
          compressionType: codec,
          metrics: codec === 0 ? plain : await compress(codec, plain),
        })
        const last = { clientInstanceId: other, subscriptionId: answer.subscriptionId }
        await push({
          ...last,
          compressionType: codec,
          metrics: Buffer.from('neither'),
          terminating: true,
        })
      }
      await subscribe(peer, 'pushed', { metrics: null, 'interval.ms': null })
    },
  },
]
