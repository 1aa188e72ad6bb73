import { array, bytes, data, int32, string, type ValueOf } from '../../schema.ts'

export const consumerProtocolAssignment = data({
  name: 'ConsumerProtocolAssignment',
  versions: [0, 3],
  flexible: null,
  fields: {
    assignedPartitions: array({ topic: string, partitions: array(int32) }),
    userData: bytes.nullable().default(null),
  },
})

export type ConsumerProtocolAssignment = ValueOf<typeof consumerProtocolAssignment>
