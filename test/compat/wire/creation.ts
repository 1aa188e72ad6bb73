import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { findCoordinator } from '../../../src/protocol/messages/10-find-coordinator.ts'
import { until } from '../kafkajs/client.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'

interface FoundTopic {
  readonly name: string
  readonly errorCode: number
  readonly partitions: readonly unknown[]
}

const unknownTopic = 3

/** Requests topics by name until the given one exists, and notes the answer. */
async function once(peer: Peer, version: number, name: string): Promise<void> {
  const topics = [{ name }]
  await until(`${name} is there`, async () => {
    const found = await peer.quietly(metadata, version, { topics })
    return found.topics[0].errorCode !== unknownTopic
  })
  await peer.ask(metadata, version, { topics })
}

/** The answers of a new cluster: the first of these is asked of one that nobody has used. */
export const creationScenarios: readonly Scenario[] = [
  {
    api: findCoordinator,
    title: 'the first',
    versions: [3, 6],
    run: async (peer, version) => {
      // v3 creates the groups' topic, v6 that of transactions.
      const keyType = version === 3 ? 0 : 1
      const asked = { key: 'first', keyType, coordinatorKeys: ['first', 'second'] }
      await peer.ask(findCoordinator, version, asked)
      await until('there is a coordinator', async () => {
        const found = await peer.quietly(findCoordinator, 6, asked)
        return found.coordinators[0].errorCode === 0
      })
      await peer.ask(findCoordinator, version, asked)
      await peer.ask(metadata, 12, {
        topics: [{ name: version === 3 ? '__consumer_offsets' : '__transaction_state' }],
        allowAutoTopicCreation: false,
      })
    },
  },
  {
    api: metadata,
    title: 'of topics that come into being',
    run: async (peer, version) => {
      const [one, two, three] = ['a', 'b', 'c'].map((letter) => `created.${letter}.${version}`)
      const ask = (...names: string[]) =>
        peer.ask(metadata, version, { topics: names.map((name) => ({ name })) })
      await ask(one!)
      await once(peer, version, one!)
      await ask(one!, two!, three!, 'not a name', '', 'n'.repeat(250), '..')
      await once(peer, version, two!)
      await once(peer, version, three!)
      // A name that differs from an existing one only in a dot is refused without a reason.
      await ask(`created_a.${version}`)
      await ask(`created_a.${version}`)
      await ask('__share_group_state_')
      const quiet = { topics: [{ name: `never.${version}` }], allowAutoTopicCreation: false }
      if (version < 4) return
      await peer.ask(metadata, version, quiet)
      await peer.ask(metadata, version, quiet)
    },
  },
]

/** Where topics cannot be created: the answer stays the same. */
export const impossibleCreationScenarios: readonly Scenario[] = [
  {
    api: metadata,
    title: 'of topics that cannot be made',
    versions: [1, 13],
    run: async (peer, version) => {
      const topics = [{ name: `impossible.${version}` }]
      for (let i = 0; i < 3; i++) await peer.ask(metadata, version, { topics })
      const all: { topics: FoundTopic[] } = await peer.quietly(metadata, version, { topics: null })
      peer.note(
        'all topics',
        all.topics.map(({ name }) => name),
      )
    },
  },
]
