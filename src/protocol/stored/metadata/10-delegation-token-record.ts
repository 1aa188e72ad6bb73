import { array, data, int64, string, type ValueOf } from '../../schema.ts'

/** Record type 10 of `__cluster_metadata`: delegation token. */
export const delegationTokenRecord = data({
  name: 'DelegationTokenRecord',
  key: 10,
  versions: [0, 0],
  flexible: 0,
  fields: {
    owner: string,
    requester: string,
    renewers: array(string),
    issueTimestamp: int64,
    maxTimestamp: int64,
    expirationTimestamp: int64,
    tokenId: string,
  },
})

export type DelegationTokenRecord = ValueOf<typeof delegationTokenRecord>
