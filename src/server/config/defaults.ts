/**
 * Returns the settings of a broker without server.properties: a single node whose internal topics
 * have one replica, and no delay for a group's first members. Taken from Kafka's stock
 * server.properties for a single node, and suited to tests.
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
