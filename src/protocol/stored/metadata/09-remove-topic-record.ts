import { data, uuid, type ValueOf } from '../../schema.ts'

/** Record type 9 of `__cluster_metadata`: remove topic. */
export const removeTopicRecord = data({
  name: 'RemoveTopicRecord',
  key: 9,
  versions: [0, 0],
  flexible: 0,
  fields: { topicId: uuid },
})

export type RemoveTopicRecord = ValueOf<typeof removeTopicRecord>
