const share = 'share groups are not built'
const streams = 'streams groups are not built'
const controller = 'the controller of a process has no listener of its own'
const loggers = 'odradek has one logger, `root`; Apache Kafka one for each class'

/** Why a method of Admin does not come to the same here as on Apache Kafka: a clause, for docs/admin.md. */
export const differences: Readonly<Record<string, string>> = {
  abortTransaction:
    'a producer epoch of -1 is INVALID_PRODUCER_EPOCH; Apache Kafka says UNKNOWN_SERVER_ERROR',
  alterShareGroupOffsets: share,
  deleteShareGroupOffsets: share,
  deleteShareGroups: share,
  'describeConfigs, of a broker':
    'listeners, quorum voters and ids stand as they were set, and the controller has no listener of its own',
  'describeConfigs, of loggers': loggers,
  describeMetadataQuorum: controller,
  describeShareGroups: share,
  describeStreamsGroups: streams,
  listShareGroupOffsets: share,
}
