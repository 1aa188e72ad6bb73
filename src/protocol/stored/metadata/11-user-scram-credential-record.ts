import { bytes, data, int8, int32, string, type ValueOf } from '../../schema.ts'

/** Record type 11 of `__cluster_metadata`: user scram credential. */
export const userScramCredentialRecord = data({
  name: 'UserScramCredentialRecord',
  key: 11,
  versions: [0, 0],
  flexible: 0,
  fields: {
    name: string,
    mechanism: int8,
    salt: bytes,
    storedKey: bytes,
    serverKey: bytes,
    iterations: int32,
  },
})

export type UserScramCredentialRecord = ValueOf<typeof userScramCredentialRecord>
