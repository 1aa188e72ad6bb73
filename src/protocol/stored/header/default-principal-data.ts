import { bool, data, string, type ValueOf } from '../../schema.ts'

export const defaultPrincipalData = data({
  name: 'DefaultPrincipalData',
  versions: [0, 0],
  flexible: 0,
  fields: { type: string, name: string, tokenAuthenticated: bool },
})

export type DefaultPrincipalData = ValueOf<typeof defaultPrincipalData>
