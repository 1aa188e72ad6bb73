import { array, data, int32, string, type ValueOf } from '../../schema.ts'

/** Record type 21 of `__consumer_offsets`: streams group target assignment member. */
export const streamsGroupTargetAssignmentMemberKey = data({
  name: 'StreamsGroupTargetAssignmentMemberKey',
  key: 21,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})
const taskIdsFields = { subtopologyId: string, partitions: array(int32) }

export const streamsGroupTargetAssignmentMemberValue = data({
  name: 'StreamsGroupTargetAssignmentMemberValue',
  key: 21,
  versions: [0, 0],
  flexible: 0,
  fields: {
    activeTasks: array(taskIdsFields),
    standbyTasks: array(taskIdsFields),
    warmupTasks: array(taskIdsFields),
  },
})

export type StreamsGroupTargetAssignmentMemberKey = ValueOf<
  typeof streamsGroupTargetAssignmentMemberKey
>
export type StreamsGroupTargetAssignmentMemberValue = ValueOf<
  typeof streamsGroupTargetAssignmentMemberValue
>
