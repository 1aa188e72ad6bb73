import { data, int8, string, type ValueOf } from '../../schema.ts'

/** Record type 22 of `__cluster_metadata`: remove user scram credential. */
export const removeUserScramCredentialRecord = data({
  name: 'RemoveUserScramCredentialRecord',
  key: 22,
  versions: [0, 0],
  flexible: 0,
  fields: { name: string, mechanism: int8 },
})

export type RemoveUserScramCredentialRecord = ValueOf<typeof removeUserScramCredentialRecord>
