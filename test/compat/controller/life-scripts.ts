import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { electLeaders } from '../../../src/protocol/messages/43-elect-leaders.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { updateFeatures } from '../../../src/protocol/messages/57-update-features.ts'
import { unregisterBroker } from '../../../src/protocol/messages/64-unregister-broker.ts'
import { allocateProducerIds } from '../../../src/protocol/messages/67-allocate-producer-ids.ts'
import { controllerRegistration } from '../../../src/protocol/messages/70-controller-registration.ts'
import { assignReplicasToDirs } from '../../../src/protocol/messages/73-assign-replicas-to-dirs.ts'
import { featuresOf, type Life, PlayedBroker, uuidOf } from './life.ts'

/** A sequence of requests; brokers have ids that no other script uses. */
export interface LifeScript {
  readonly title: string
  run(life: Life): Promise<void>
}

/** Starts ids of scripts far from each other. */
let lastHundred = 0
function brokers(count: number, dirs = 1): PlayedBroker[] {
  lastHundred += 100
  return Array.from({ length: count }, (_, i) => new PlayedBroker(lastHundred + i, dirs))
}

/** Makes a script whose brokers are the same on both sides. */
function script(
  title: string,
  count: number,
  run: (life: Life, all: PlayedBroker[]) => Promise<void>,
  dirs = 1,
): LifeScript {
  const made = brokers(count, dirs)
  return {
    title,
    run: (life) =>
      run(
        life,
        made.map(({ id, dirs: own }) => new PlayedBroker(id, own.length)),
      ),
  }
}

const isrOf = (...all: readonly PlayedBroker[]) => ({
  newIsr: all.map(({ id }) => id),
  newIsrWithEpochs: all.map(({ id, epoch }) => ({ brokerId: id, brokerEpoch: epoch })),
})

const unregister = (life: Life, { id }: { readonly id: number }) =>
  life.ask(`unregister ${id}`, unregisterBroker, 0, { brokerId: id })

/** Scripts that need no session to end. */
export const lifeScripts: readonly LifeScript[] = [
  script('registrations with mistakes', 2, async (life, [one, other]) => {
    await life.register(other!)
    for (const more of [
      { clusterId: 'another' },
      { logDirs: [] },
      { logDirs: ['AAAAAAAAAAAAAAAAAAAAAA'] },
      { logDirs: ['AAAAAAAAAAAAAAAAAAAAYg'] },
      { logDirs: ['AAAAAAAAAAD__________w'] },
      { logDirs: [one!.dirs[0], one!.dirs[0]] },
      { logDirs: [...one!.dirs, ...other!.dirs] },
      { isMigratingZkBroker: true },
      { features: [] },
      { features: featuresOf({ 'metadata.version': null }) },
      { features: featuresOf({ 'metadata.version': [7, 32] }) },
      { features: featuresOf({ 'metadata.version': [34, 40] }) },
      { features: featuresOf({ 'kraft.version': null }) },
      { features: featuresOf({ 'kraft.version': [0, 0] }) },
      { features: featuresOf({ 'group.version': null }) },
      { features: featuresOf({ 'share.version': [0, 1] }) },
      { features: featuresOf({ 'transaction.version': null, 'metadata.version': null }) },
      { features: featuresOf({ 'eligible.leader.replicas.version': [0, 0] }) },
      { features: featuresOf({ 'unknown.version': [1, 2] }) },
    ]) {
      await life.register(one!, more)
    }
    await life.register(one!, { features: featuresOf({ 'unknown.version': [0, 2] }), rack: 'r' })
    await life.register(one!, { listeners: [] })
    const twice = ['a', 'b'].map((host) => ({ name: 'X', host, port: 1, securityProtocol: 2 }))
    await life.register(one!, { listeners: [...twice, { ...twice[0], name: 'Y' }] })
  }),
  script('registrations in all versions', 5, async (life, all) => {
    for (const [version, one] of all.entries()) {
      await life.register(one, {}, version)
      await life.heartbeat(one, {}, Math.min(version, 2))
    }
  }),
  script('a broker catches up and is unfenced', 1, async (life, [one]) => {
    await life.heartbeat(one!, { brokerEpoch: -1 })
    await life.register(one!)
    await life.heartbeat(one!, { wantFence: true, currentMetadataOffset: one!.epoch - 1 })
    await life.heartbeat(one!, { wantFence: false, currentMetadataOffset: one!.epoch - 1 })
    await life.heartbeat(one!, { wantFence: true, currentMetadataOffset: one!.epoch })
    await life.heartbeat(one!, { currentMetadataOffset: one!.epoch })
    await life.heartbeat(one!, {})
    await life.heartbeat(one!, { brokerEpoch: one!.epoch - 1 })
    await life.heartbeat(one!, { brokerEpoch: one!.epoch + 1 })
    await life.heartbeat(one!, { wantFence: true })
    await life.heartbeat(one!, { wantFence: true })
    await life.heartbeat(one!, {})
  }),
  script('a second incarnation, and the same again', 1, async (life, [one]) => {
    await life.register(one!)
    // Without a heartbeat there is no session yet.
    one!.incarnation = uuidOf('second')
    await life.register(one!)
    await life.heartbeat(one!, { wantFence: true })
    one!.incarnation = uuidOf('third')
    await life.register(one!)
    one!.incarnation = uuidOf('second')
    await life.register(one!, { rack: 'other' })
    await life.heartbeat(one!, { currentMetadataOffset: one!.epoch, cordonedLogDirs: [] })
    await life.heartbeat(one!)
    await life.register(one!, { rack: 'third' })
    await life.heartbeat(one!, { currentMetadataOffset: one!.epoch })
  }),
  script('brokers are unregistered', 3, async (life, [one, two, three]) => {
    await unregister(life, one!)
    await life.enter(one!, two!, three!)
    await life.topic({ name: 'unregistered', replicas: [[one!.id, two!.id, three!.id]] })
    await life.topic({ name: 'unregistered-1', replicas: [[one!.id]] })
    await life.topic({ name: 'unregistered-2', replicas: [[two!.id, one!.id]] })
    await unregister(life, one!)
    await life.heartbeat(one!)
    await unregister(life, one!)
    await life.register(one!)
    await life.heartbeat(one!)
  }),
  script('leaders move when brokers are fenced', 3, async (life, [one, two, three]) => {
    await life.enter(one!, two!, three!)
    const ids = [one!.id, two!.id, three!.id]
    await life.topic({ name: 'moving', replicas: [ids, ids.toReversed()] })
    await life.topic({ name: 'moving-1', replicas: [[one!.id]] })
    await life.topic({
      name: 'moving-2',
      replicas: [ids.slice(0, 2), [two!.id, one!.id]],
      configs: { 'min.insync.replicas': '2' },
    })
    await life.topic({
      name: 'moving-unclean',
      replicas: [ids, ids.toReversed()],
      configs: { 'unclean.leader.election.enable': 'true', 'min.insync.replicas': '3' },
    })
    for (const broker of [one!, two!, three!]) await life.heartbeat(broker, { wantFence: true })
    for (const broker of [two!, three!, one!]) await life.heartbeat(broker, {})
    for (const broker of [three!, one!]) await life.heartbeat(broker, { wantFence: true })
    for (const broker of [one!, three!]) await life.heartbeat(broker, {})
  }),
  script('ISRs with mistakes', 4, async (life, [one, two, three, fenced]) => {
    await life.enter(one!, two!, three!)
    await life.register(fenced!)
    const replicas = [[one!.id, two!.id, three!.id, fenced!.id]]
    const topicId = await life.topic({ name: 'isrs', replicas })
    for (const version of [2, 3]) {
      const all = isrOf(one!, two!, three!)
      const alter = (more: object, of = one!) =>
        life.alter(of, { topicId, ...all, ...more }, version)
      await alter({ partitionEpoch: -1 })
      await alter({ partitionEpoch: 99 })
      await alter({ leaderEpoch: -1 })
      await alter({ leaderEpoch: 99 })
      await alter({}, two!)
      await alter(isrOf(two!, three!))
      await alter(isrOf())
      await alter(isrOf(one!, one!))
      await alter(isrOf(one!, new PlayedBroker(7)))
      await alter({ leaderRecoveryState: 1 })
      await alter({ ...isrOf(one!), leaderRecoveryState: 1 })
      await alter(isrOf(one!, fenced!))
      await alter({ topicId: uuidOf('nothing') })
      await alter({ topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })
      await alter({ partitionIndex: 1 })
      await life.alter(one!, { topicId, ...all }, version, { brokerEpoch: one!.epoch - 1 })
      await life.alter(one!, { topicId, ...all }, version, { brokerId: 9 })
      await life.alter(one!, { topicId, ...all }, version, { topics: [] })
    }
    const wrong = { brokerId: two!.id, brokerEpoch: two!.epoch - 1 }
    const self = isrOf(one!).newIsrWithEpochs[0]!
    await life.alter(one!, { topicId, newIsrWithEpochs: [self, wrong] })
    const unsaid = { brokerId: two!.id, brokerEpoch: -1 }
    await life.alter(one!, { topicId, newIsrWithEpochs: [self, unsaid] })
  }),
  script('ISRs shrink and grow', 3, async (life, [one, two, three]) => {
    await life.enter(one!, two!, three!)
    const replicas = [[one!.id, two!.id, three!.id]]
    const topicId = await life.topic({
      ...{ name: 'shrinking', replicas },
      configs: { 'min.insync.replicas': '2' },
    })
    let partitionEpoch = 0
    const alter = async (isr: object, version = 3) => {
      const answer = await life.alter(one!, { topicId, ...isr, partitionEpoch }, version)
      partitionEpoch = answer.topics[0].partitions[0].partitionEpoch
    }
    await alter(isrOf(one!, two!, three!))
    await alter(isrOf(one!, two!))
    await alter(isrOf(one!), 2)
    await alter(isrOf(one!, three!), 2)
    await alter(isrOf(one!))
    await alter(isrOf(one!, two!, three!))
    await alter(isrOf(three!, one!))
    await life.heartbeat(two!, { wantFence: true })
    await life.alter(one!, { topicId, ...isrOf(one!, two!), partitionEpoch })
  }),
  script('a partition is recovered after an unclean election', 2, async (life, [one, two]) => {
    await life.enter(one!, two!)
    const topicId = await life.topic({
      ...{ name: 'recovering', replicas: [[one!.id, two!.id]] },
      configs: { 'unclean.leader.election.enable': 'true' },
    })
    const first = { topicId, ...isrOf(one!) }
    await life.alter(one!, first)
    await life.heartbeat(one!, { wantFence: true })
    await life.heartbeat(one!)
    const now = { leaderEpoch: 1, partitionEpoch: 2 }
    const asked = { topicId, ...isrOf(one!, two!), ...now }
    await life.alter(two!, { ...asked, leaderRecoveryState: 1 })
    await life.alter(two!, { ...asked, ...isrOf(two!), leaderRecoveryState: 1 })
    await life.alter(two!, asked)
  }),
  script('a controlled shutdown waits for the others', 3, async (life, [one, two, three]) => {
    await life.enter(one!, two!, three!)
    const ids = [one!.id, two!.id, three!.id]
    await life.topic({ name: 'stopping', replicas: [ids, ids, ids.toReversed()] })
    await life.heartbeat(two!)
    await life.heartbeat(three!)
    await life.heartbeat(one!, { wantShutDown: true })
    await life.heartbeat(one!, { wantShutDown: true })
    await life.heartbeat(two!, { currentMetadataOffset: (await life.end()) - 2 })
    await life.heartbeat(three!)
    await life.heartbeat(one!, { wantShutDown: true })
    await life.heartbeat(two!)
    await life.heartbeat(one!, { wantShutDown: true })
    await life.heartbeat(one!, { wantShutDown: true })
    await life.heartbeat(one!)
    await life.heartbeat(two!, { wantShutDown: true, wantFence: true })
  }),
  script('a sole leader that wants to stop cannot', 2, async (life, [one, two]) => {
    await life.enter(one!, two!)
    await life.topic({ name: 'sole', replicas: [[one!.id]] })
    await life.topic({ name: 'sole-2', replicas: [[two!.id, one!.id]] })
    await life.heartbeat(two!)
    await life.heartbeat(one!, { wantShutDown: true })
    await life.heartbeat(two!)
    await life.heartbeat(one!, { wantShutDown: true })
    await life.heartbeat(one!, { wantShutDown: false })
    await life.heartbeat(two!, { wantShutDown: true })
  }),
  script('brokers that lead nothing stop at once', 2, async (life, [one, two]) => {
    await life.register(one!)
    await life.heartbeat(one!, { wantShutDown: true })
    await life.enter(two!)
    await life.heartbeat(two!, { wantShutDown: true })
    await life.heartbeat(two!, { wantShutDown: true })
  }),
  script(
    'directories fail',
    2,
    async (life, [one, two]) => {
      await life.enter(one!, two!)
      const both = [one!.id, two!.id]
      const replicas = [both, both, both.toReversed()]
      const topicId = await life.topic({ name: 'failing', replicas })
      const place = (broker: PlayedBroker, places: Record<string, readonly number[]>, more = {}) =>
        life.ask(`place ${JSON.stringify(places)}`, assignReplicasToDirs, 0, {
          ...{ brokerId: broker.id, brokerEpoch: broker.epoch },
          directories: Object.entries(places).map(([id, partitions]) => ({
            id,
            topics: [
              { topicId, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) },
            ],
          })),
          ...more,
        })
      const [first, second] = one!.dirs as [string, string]
      await place(one!, { [first]: [0, 2], [second]: [1] })
      await place(one!, { [first]: [0, 2], [second]: [1] })
      await place(one!, { [first]: [5] })
      await place(two!, { [first]: [2] })
      await place(two!, { [two!.dirs[1]!]: [0, 1] })
      await place(one!, { [first]: [0] }, { brokerEpoch: one!.epoch - 1 })
      await place(one!, { [first]: [0] }, { brokerId: 9 })
      await life.ask('place the unknown', assignReplicasToDirs, 0, {
        ...{ brokerId: one!.id, brokerEpoch: one!.epoch },
        directories: [
          { id: first, topics: [{ topicId: uuidOf('no'), partitions: [{ partitionIndex: 0 }] }] },
          { id: second, topics: [] },
        ],
      })
      await life.heartbeat(one!, { offlineLogDirs: [uuidOf('not mine')] })
      await life.heartbeat(one!, { offlineLogDirs: [first] }, 1)
      await life.heartbeat(one!, { offlineLogDirs: [first] })
      await place(one!, { [first]: [1] })
      await place(two!, { [uuidOf('offline')]: [0] })
      await life.heartbeat(one!, { wantFence: true })
      await life.heartbeat(one!)
    },
    2,
  ),
  script(
    'directories are cordoned',
    2,
    async (life, [one, two]) => {
      await life.enter(one!, two!)
      const create = (name: string, brokerIds: readonly number[]) =>
        life.ask(`create on ${brokerIds}`, createTopics, 7, {
          topics: [
            {
              ...{ name, numPartitions: -1, replicationFactor: -1, configs: [] },
              assignments: [{ partitionIndex: 0, brokerIds }],
            },
          ],
          ...{ timeoutMs: 10_000, validateOnly: true },
        })
      await life.heartbeat(one!, { cordonedLogDirs: [] })
      await life.heartbeat(one!, { cordonedLogDirs: [] })
      await life.heartbeat(one!, { cordonedLogDirs: [one!.dirs[0]] })
      await life.heartbeat(one!, { cordonedLogDirs: one!.dirs }, 1)
      await life.heartbeat(one!, { cordonedLogDirs: one!.dirs })
      await life.heartbeat(one!, { cordonedLogDirs: one!.dirs.toReversed() })
      await create('cordoned', [one!.id])
      await create('cordoned', [two!.id + 50])
      await create('cordoned', [two!.id, two!.id])
      await life.heartbeat(one!, { cordonedLogDirs: [uuidOf('not mine')] })
      await life.heartbeat(one!, { cordonedLogDirs: null })
      await life.heartbeat(two!, { wantFence: true })
      await create('cordoned', [two!.id])
    },
    2,
  ),
  script('producer ids', 2, async (life, [one, two]) => {
    const ask = (broker: PlayedBroker, more: object = {}) =>
      life.ask(`producer ids ${broker.id}`, allocateProducerIds, 0, {
        ...{ brokerId: broker.id, brokerEpoch: broker.epoch },
        ...more,
      })
    await ask(one!)
    await life.register(one!)
    await life.enter(two!)
    for (const broker of [one!, two!, one!]) await ask(broker)
    await ask(one!, { brokerEpoch: one!.epoch + 1 })
    await ask(one!, { brokerId: 9 })
  }),
  script('leaders are elected on demand', 3, async (life, [one, two, three]) => {
    await life.enter(one!, two!, three!)
    const ids = [one!.id, two!.id, three!.id]
    await life.topic({ name: 'electing', replicas: [ids, ids, ids.toReversed()] })
    const elect = (electionType: number, partitions = [0, 1, 2, 7]) =>
      life.ask(`elect ${electionType}`, electLeaders, 2, {
        ...{ electionType, timeoutMs: 10_000 },
        topicPartitions: [
          { topic: 'electing', partitions },
          { topic: 'absent', partitions: [0] },
        ],
      })
    await elect(0)
    await elect(1)
    await life.heartbeat(one!, { wantFence: true })
    await elect(0)
    await elect(1)
    await life.heartbeat(one!)
    await elect(0)
    const isr = { ...isrOf(one!, two!, three!), leaderEpoch: 1, partitionEpoch: 1 }
    const topicId = uuidOf('none')
    await life.alter(two!, { topicId, ...isr })
  }),
  script('a replica comes back and leads again', 2, async (life, [one, two]) => {
    await life.enter(one!, two!)
    const topicId = await life.topic({ name: 'again', replicas: [[one!.id, two!.id]] })
    await life.heartbeat(one!, { wantFence: true })
    await life.heartbeat(one!)
    const now = { leaderEpoch: 1, partitionEpoch: 1 }
    await life.alter(two!, { topicId, ...isrOf(two!, one!), ...now })
    await life.ask('elect', electLeaders, 2, {
      ...{ electionType: 0, timeoutMs: 10_000 },
      topicPartitions: [{ topic: 'again', partitions: [0] }],
    })
  }),
  script('a reassignment ends with an ISR', 4, async (life, [one, two, three, four]) => {
    await life.enter(one!, two!, three!, four!)
    const topicId = await life.topic({ name: 'reassigned', replicas: [[one!.id, two!.id]] })
    await life.side.reassign('reassigned', [three!.id, four!.id])
    const alter = (of: PlayedBroker, isr: object, epochs: object) =>
      life.alter(of, { topicId, ...isr, ...epochs })
    await alter(one!, isrOf(one!, two!, three!), { leaderEpoch: 0, partitionEpoch: 1 })
    await alter(one!, isrOf(one!, two!, three!, four!), { leaderEpoch: 0, partitionEpoch: 2 })
    await alter(three!, isrOf(three!, four!), { leaderEpoch: 1, partitionEpoch: 3 })
    const kept = await life.topic({ name: 'reordered', replicas: [[one!.id, two!.id]] })
    await life.side.reassign('reordered', [two!.id, one!.id])
    await life.side.reassign('reordered', [two!.id])
    await life.alter(two!, { topicId: kept, ...isrOf(two!), leaderEpoch: 1, partitionEpoch: 2 })
  }),
  script('brokers hold down features', 1, async (life, [one]) => {
    const update = (feature: string, maxVersionLevel: number, upgradeType: number) =>
      life.ask(`${feature} to ${maxVersionLevel}`, updateFeatures, 2, {
        ...{ timeoutMs: 10_000, validateOnly: true },
        featureUpdates: [{ feature, maxVersionLevel, upgradeType }],
      })
    await life.register(one!, {
      features: featuresOf({ 'group.version': [1, 1], 'share.version': [2, 4] }),
    })
    await update('group.version', 0, 2)
    await update('share.version', 1, 2)
    await update('streams.version', 0, 2)
    await update('unknown.version', 0, 2)
    await unregister(life, one!)
    await update('group.version', 0, 2)
  }),
  script('controllers register', 1, async (life) => {
    const register = (controllerId: number, more: object = {}) =>
      life.ask(`register controller ${controllerId}`, controllerRegistration, 0, {
        ...{ controllerId, incarnationId: uuidOf('controller'), zkMigrationReady: true },
        listeners: [{ name: 'CONTROLLER', host: 'there', port: 9093, securityProtocol: 0 }],
        features: featuresOf(),
        ...more,
      })
    await register(3001)
    await register(3001, { listeners: [], features: [] })
    await register(3002, { features: featuresOf({ 'metadata.version': [7, 20] }) })
  }),
]

/** Scripts in which sessions end, which last 1.5 s. */
export const silentScripts: readonly LifeScript[] = [
  script('a silent broker is fenced', 2, async (life, [one, two]) => {
    await life.enter(one!, two!)
    await life.topic({ name: 'silent', replicas: [[one!.id, two!.id]] })
    await life.topic({ name: 'silent-1', replicas: [[one!.id]] })
    await life.fenced(one!, [two!])
    await life.heartbeat(one!)
    await life.fenced(one!, [two!])
    await life.comeBack(one!, 'one again', { previousBrokerEpoch: one!.epoch })
    await life.heartbeat(one!)
    await life.fenced(two!, [one!])
    await unregister(life, one!)
    await unregister(life, two!)
  }),
  ...(['clean', 'crashed', 'of an older version'] as const).map((how) =>
    script(`a sole replica, ${how}, comes back`, 1, async (life, [one]) => {
      await life.enter(one!)
      const configs = { 'min.insync.replicas': '2' }
      await life.topic({ name: `of-${one!.id}`, replicas: [[one!.id]], configs })
      await life.heartbeat(one!, { wantShutDown: true })
      await life.heartbeat(one!, { wantFence: true, wantShutDown: true })
      one!.incarnation = uuidOf('too early')
      await life.register(one!)
      await life.fenced(one!)
      // Before v3 a broker cannot say that it had stopped cleanly.
      const version = how === 'of an older version' ? 2 : 4
      const previousBrokerEpoch = how === 'clean' ? one!.epoch : -1
      await life.comeBack(one!, how, { previousBrokerEpoch }, version)
      await life.heartbeat(one!)
      await unregister(life, one!)
    }),
  ),
  script('all of three are lost, one of them for good', 3, async (life, [one, two, three]) => {
    await life.enter(one!, two!, three!)
    const ids = [one!.id, two!.id, three!.id]
    const configs = { 'min.insync.replicas': '2' }
    const topicId = await life.topic({ name: 'lost', replicas: [ids], configs })
    await life.alter(one!, { topicId, ...isrOf(one!, two!) })
    await life.fenced(one!, [two!, three!])
    await life.fenced(two!, [three!])
    await life.fenced(three!)
    await life.comeBack(two!, 'two, after a crash')
    await life.heartbeat(two!)
    await life.comeBack(three!, 'three', { previousBrokerEpoch: three!.epoch })
    await life.heartbeat(three!)
    await life.comeBack(one!, 'one', { previousBrokerEpoch: one!.epoch })
    await life.heartbeat(one!)
    for (const broker of [one!, two!, three!]) await unregister(life, broker)
  }),
]

/** Scripts in which the controller looks for elections every second. */
export const electionScripts: readonly LifeScript[] = [
  script('leadership goes back to the preferred replica', 2, async (life, [one, two]) => {
    await life.enter(one!, two!)
    const topicId = await life.topic({ name: 'balanced', replicas: [[one!.id, two!.id]] })
    await life.heartbeat(one!, { wantFence: true })
    await life.heartbeat(one!)
    const now = { leaderEpoch: 1, partitionEpoch: 1 }
    await life.alter(two!, { topicId, ...isrOf(two!, one!), ...now })
    await life.grownTo(9)
  }),
  script('a replica that lacks records leads where it may', 2, async (life, [one, two]) => {
    await life.enter(one!, two!)
    const topicId = await life.topic({ name: 'permitted', replicas: [[one!.id, two!.id]] })
    await life.alter(one!, { topicId, ...isrOf(one!) })
    await life.heartbeat(one!, { wantFence: true })
    await life.ask('permit', incrementalAlterConfigs, 1, {
      resources: [
        {
          ...{ resourceType: 2, resourceName: 'permitted' },
          configs: [{ name: 'unclean.leader.election.enable', configOperation: 0, value: 'true' }],
        },
      ],
      validateOnly: false,
    })
    await life.grownTo(9)
  }),
]
