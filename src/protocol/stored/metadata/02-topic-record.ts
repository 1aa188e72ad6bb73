import { data, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 2 of `__cluster_metadata`: topic. */
export const topicRecord = data({
  name: 'TopicRecord',
  key: 2,
  versions: [0, 0],
  flexible: 0,
  fields: { name: string, topicId: uuid },
})

export type TopicRecord = ValueOf<typeof topicRecord>
