import { ApiError } from '../../../protocol/errors.ts'
import type { ShareGroupHeartbeatRequest } from '../../../protocol/messages/76-share-group-heartbeat.ts'

/**
 * Checks the parts of a heartbeat that do not depend on the group (`GroupCoordinatorService`).
 *
 * @throws ApiError INVALID_REQUEST, with Kafka's messages.
 */
export function checkShareHeartbeat(request: ShareGroupHeartbeatRequest): void {
  const { memberEpoch, subscribedTopicNames } = request
  const isBlank = (text: string | null) => text !== null && text.trim() === ''
  refuseIf(isBlank(request.memberId), "MemberId can't be empty.")
  refuseIf(isBlank(request.groupId), "GroupId can't be empty.")
  refuseIf(isBlank(request.rackId), "RackId can't be empty.")
  if (memberEpoch === 0) {
    const hasTopics = subscribedTopicNames !== null && subscribedTopicNames.length > 0
    refuseIf(!hasTopics, 'SubscribedTopicNames must be set in first request.')
  } else refuseIf(memberEpoch < -1, 'MemberEpoch is invalid.')
}

function refuseIf(isWrong: boolean, detail: string): void {
  if (isWrong) throw new ApiError('INVALID_REQUEST', detail)
}
