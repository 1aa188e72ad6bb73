import { array, data, int8, int32, string, type ValueOf } from '../../schema.ts'

/** Record type 22 of `__consumer_offsets`: streams group current member assignment. */
export const streamsGroupCurrentMemberAssignmentKey = data({
  name: 'StreamsGroupCurrentMemberAssignmentKey',
  key: 22,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})
const taskIdsFields = {
  subtopologyId: string,
  partitions: array(int32),
  assignmentEpochs: array(int32).nullable().tagged(0),
}

export const streamsGroupCurrentMemberAssignmentValue = data({
  name: 'StreamsGroupCurrentMemberAssignmentValue',
  key: 22,
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    activeTasks: array(taskIdsFields),
    standbyTasks: array(taskIdsFields),
    warmupTasks: array(taskIdsFields),
    activeTasksPendingRevocation: array(taskIdsFields),
    standbyTasksPendingRevocation: array(taskIdsFields),
    warmupTasksPendingRevocation: array(taskIdsFields),
  },
})

export type StreamsGroupCurrentMemberAssignmentKey = ValueOf<
  typeof streamsGroupCurrentMemberAssignmentKey
>
export type StreamsGroupCurrentMemberAssignmentValue = ValueOf<
  typeof streamsGroupCurrentMemberAssignmentValue
>
