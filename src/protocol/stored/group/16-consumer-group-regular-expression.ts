import { array, data, int64, string, type ValueOf } from '../../schema.ts'

/** Record type 16 of `__consumer_offsets`: consumer group regular expression. */
export const consumerGroupRegularExpressionKey = data({
  name: 'ConsumerGroupRegularExpressionKey',
  key: 16,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, regularExpression: string },
})

export const consumerGroupRegularExpressionValue = data({
  name: 'ConsumerGroupRegularExpressionValue',
  key: 16,
  versions: [0, 0],
  flexible: 0,
  fields: { topics: array(string), version: int64, timestamp: int64 },
})

export type ConsumerGroupRegularExpressionKey = ValueOf<typeof consumerGroupRegularExpressionKey>
export type ConsumerGroupRegularExpressionValue = ValueOf<
  typeof consumerGroupRegularExpressionValue
>
