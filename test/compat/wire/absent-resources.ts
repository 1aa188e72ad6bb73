import { alterConfigs } from '../../../src/protocol/messages/33-alter-configs.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { operations, types } from './config-admin.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'

/** Resources that do not exist or are invalid, and settings that are invalid in each way. */
const resources: readonly (readonly [type: number, name: string])[] = [
  ...['absent', '', 'a b', '__cluster_metadata'].map((name) => [types.topic, name] as const),
  ...['', 'absent'].map((name) => [types.group, name] as const),
  ...['', 'absent'].map((name) => [types.metrics, name] as const),
  ...[0, 3].map((type) => [type, 'absent'] as const),
  ...['x', '99'].map((name) => [types.broker, name] as const),
]
const settings: readonly (readonly [name: string, value: string | null])[] = [
  ['constructor', 'x'],
  ['retention.ms', 'x'],
  ['retention.ms', '100'],
  ['retention.ms', null],
  ['segment.bytes', '100'],
  ['cleanup.policy', 'none'],
  ['consumer.session.timeout.ms', 'x'],
  ['interval.ms', 'x'],
]

async function askIncremental(peer: Peer, version: number): Promise<void> {
  for (const [resourceType, resourceName] of resources) {
    await askNulls(peer, version, resourceType, resourceName)
    for (const [name, value] of settings) {
      for (const configOperation of Object.values(operations)) {
        const configs = [{ name, configOperation, value }]
        const asked = [{ resourceType, resourceName, configs }]
        await peer.ask(incrementalAlterConfigs, version, { resources: asked, validateOnly: true })
      }
    }
  }
}

async function askNulls(peer: Peer, version: number, type: number, name: string): Promise<void> {
  const configs = ['retention.ms', 'b', 'a'].map((one) => ({
    ...{ name: one, configOperation: operations.set, value: one === 'b' ? 'x' : null },
  }))
  const asked = [{ resourceType: type, resourceName: name, configs }]
  await peer.ask(incrementalAlterConfigs, version, { resources: asked, validateOnly: true })
}

async function askAll(peer: Peer, version: number): Promise<void> {
  for (const [resourceType, resourceName] of resources) {
    for (const [name, value] of settings) {
      const asked = [{ resourceType, resourceName, configs: [{ name, value }] }]
      await peer.ask(alterConfigs, version, { resources: asked, validateOnly: true })
    }
  }
}

/** Requests with several errors: compares which one the answer has. */
export const absentResourceScenarios: readonly Scenario[] = [
  {
    api: incrementalAlterConfigs,
    title: 'of what is not there',
    versions: [1],
    run: askIncremental,
  },
  { api: alterConfigs, title: 'of what is not there', versions: [2], run: askAll },
]
