import { data, int32, type ValueOf } from '../../schema.ts'

export const responseHeader = data({
  name: 'ResponseHeader',
  versions: [0, 1],
  flexible: 1,
  fields: { correlationId: int32 },
})

export type ResponseHeader = ValueOf<typeof responseHeader>
