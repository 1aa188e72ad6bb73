/**
 * What a broker that was given no server.properties starts with: a node of its own, alone, with its
 * internal topics on one replica and no waiting for a group's first members. What stands in
 * Kafka's stock server.properties for a single node, and what tests want.
 */
export function soleNodeDefaults(): Map<string, string> {
  return new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', '1'],
    ['controller.listener.names', 'CONTROLLER'],
    ['offsets.topic.replication.factor', '1'],
    ['transaction.state.log.replication.factor', '1'],
    ['transaction.state.log.min.isr', '1'],
    ['share.coordinator.state.topic.replication.factor', '1'],
    ['share.coordinator.state.topic.min.isr', '1'],
    ['group.initial.rebalance.delay.ms', '0'],
  ])
}
