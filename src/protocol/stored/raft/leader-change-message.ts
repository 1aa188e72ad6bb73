import { array, data, int16, int32, uuid, type ValueOf } from '../../schema.ts'

const voterFields = { voterId: int32, voterDirectoryId: uuid.since(1) }

export const leaderChangeMessage = data({
  name: 'LeaderChangeMessage',
  versions: [0, 1],
  flexible: 0,
  fields: {
    version: int16,
    leaderId: int32,
    voters: array(voterFields),
    grantingVoters: array(voterFields),
  },
})

export type LeaderChangeMessage = ValueOf<typeof leaderChangeMessage>
