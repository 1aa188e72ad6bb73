import { array, bytes, data, int32, string, type ValueOf } from '../../schema.ts'

export const consumerProtocolSubscription = data({
  name: 'ConsumerProtocolSubscription',
  versions: [0, 3],
  flexible: null,
  fields: {
    topics: array(string),
    userData: bytes.nullable().default(null),
    ownedPartitions: array({ topic: string.since(1), partitions: array(int32).since(1) }).since(1),
    generationId: int32.default(-1).since(2),
    rackId: string.nullable().default(null).since(3),
  },
})

export type ConsumerProtocolSubscription = ValueOf<typeof consumerProtocolSubscription>
