import {
  api,
  array,
  bytes,
  int8,
  int16,
  int32,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/** AlterUserScramCredentials. */
export const alterUserScramCredentials = api({
  name: 'AlterUserScramCredentials',
  key: 51,
  versions: [0, 0],
  flexible: 0,
  request: {
    deletions: array({ name: string, mechanism: int8 }),
    upsertions: array({
      name: string,
      mechanism: int8,
      iterations: int32,
      salt: bytes,
      saltedPassword: bytes,
    }),
  },
  response: {
    throttleTimeMs: int32,
    results: array({ user: string, errorCode: int16, errorMessage: string.nullable() }),
  },
})
export type AlterUserScramCredentialsRequest = Request<typeof alterUserScramCredentials>
export type AlterUserScramCredentialsResponse = Response<typeof alterUserScramCredentials>
