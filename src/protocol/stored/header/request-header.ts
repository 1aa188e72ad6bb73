import { data, int16, int32, string, type ValueOf } from '../../schema.ts'

export const requestHeader = data({
  name: 'RequestHeader',
  versions: [1, 2],
  flexible: 2,
  fields: {
    requestApiKey: int16,
    requestApiVersion: int16,
    correlationId: int32,
    clientId: string.nullable().neverCompact(),
  },
})

export type RequestHeader = ValueOf<typeof requestHeader>
