import { ApiError, type ErrorName } from '../../../protocol/errors.ts'
import type { ConsumerGroupHeartbeatRequest } from '../../../protocol/messages/68-consumer-group-heartbeat.ts'

/**
 * Checks the parts of a heartbeat that do not depend on the group (`GroupCoordinatorService`).
 *
 * @throws ApiError INVALID_REQUEST | UNSUPPORTED_ASSIGNOR, with Kafka's messages.
 */
export function checkHeartbeat(
  request: ConsumerGroupHeartbeatRequest,
  demandsMemberId: boolean,
  assignors: readonly string[],
): void {
  const { memberEpoch: epoch, serverAssignor } = request
  const needsId = demandsMemberId || epoch > 0 || epoch === -1
  refuseIf(needsId && isBlank(request.memberId), "MemberId can't be empty.")
  refuseIf(isBlank(request.groupId), "GroupId can't be empty.")
  refuseIf(isBlank(request.instanceId), "InstanceId can't be empty.")
  refuseIf(isBlank(request.rackId), "RackId can't be empty.")
  if (epoch === 0) checkJoin(request)
  refuseIf(epoch === -2 && request.instanceId === null, "InstanceId can't be null.")
  refuseIf(epoch < -2, 'MemberEpoch is invalid.')
  if (serverAssignor === null || assignors.includes(serverAssignor)) return
  const supported = `Supported assignors: ${assignors.join(', ')}.`
  const detail = `ServerAssignor ${serverAssignor} is not supported. ${supported}`
  refuseIf(true, detail, 'UNSUPPORTED_ASSIGNOR')
}

function checkJoin(request: ConsumerGroupHeartbeatRequest): void {
  const { subscribedTopicNames, subscribedTopicRegex, topicPartitions } = request
  refuseIf(
    request.rebalanceTimeoutMs === -1,
    'RebalanceTimeoutMs must be provided in first request.',
  )
  refuseIf(
    topicPartitions === null || topicPartitions.length > 0,
    'TopicPartitions must be empty when (re-)joining.',
  )
  refuseIf(
    subscribedTopicNames === null && subscribedTopicRegex === null,
    'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
  )
}

const isBlank = (text: string | null) => text !== null && text.trim() === ''

function refuseIf(wrong: boolean, detail: string, reason: ErrorName = 'INVALID_REQUEST'): void {
  if (wrong) throw new ApiError(reason, detail)
}
