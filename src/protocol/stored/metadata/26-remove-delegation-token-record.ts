import { data, string, type ValueOf } from '../../schema.ts'

/** Record type 26 of `__cluster_metadata`: remove delegation token. */
export const removeDelegationTokenRecord = data({
  name: 'RemoveDelegationTokenRecord',
  key: 26,
  versions: [0, 0],
  flexible: 0,
  fields: { tokenId: string },
})

export type RemoveDelegationTokenRecord = ValueOf<typeof removeDelegationTokenRecord>
