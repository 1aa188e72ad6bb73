import { ApiError, defaultMessage } from '../../../protocol/errors.ts'
import type {
  ShareGroupHeartbeatRequest,
  ShareGroupHeartbeatResponse,
} from '../../../protocol/messages/76-share-group-heartbeat.ts'
import type {
  AlterShareGroupOffsetsRequest,
  AlterShareGroupOffsetsResponse,
} from '../../../protocol/messages/91-alter-share-group-offsets.ts'
import type {
  DeleteShareGroupOffsetsRequest,
  DeleteShareGroupOffsetsResponse,
} from '../../../protocol/messages/92-delete-share-group-offsets.ts'
import type { Client, DescribedShareGroup, GroupCommand, ShareStateTopic, To } from '../commands.ts'
import { checkShareHeartbeat } from './check-share-heartbeat.ts'

type Call = <T>(groupId: string, command: (to: To<T>) => GroupCommand) => Promise<T>

/** Requests of clients for share groups, which the shard of the group answers. */
export class ShareRequests {
  private readonly call: Call

  /** @param call runs a command in the shard of a group. */
  constructor(call: Call) {
    this.call = call
  }

  /** @throws (rejects) ApiError with the message for the response. */
  async heartbeat(
    client: Client,
    request: ShareGroupHeartbeatRequest,
  ): Promise<ShareGroupHeartbeatResponse> {
    checkShareHeartbeat(request)
    return this.call(request.groupId, (to) => ({ kind: 'shareHeartbeat', to, client, request }))
  }

  /** @throws (rejects) ApiError GROUP_ID_NOT_FOUND */
  describe(groupId: string): Promise<DescribedShareGroup> {
    return this.call(groupId, (to) => ({ kind: 'describeShare', to, groupId }))
  }

  /** Returns the partitions whose share state is begun; none for a group that is not there. */
  statePartitions(groupId: string): Promise<readonly ShareStateTopic[]> {
    return this.call(groupId, (to) => ({ kind: 'shareStatePartitions', to, groupId }))
  }

  /** @throws (rejects) ApiError INVALID_GROUP_ID | GROUP_ID_NOT_FOUND | NON_EMPTY_GROUP */
  async alterOffsets(
    request: AlterShareGroupOffsetsRequest,
  ): Promise<AlterShareGroupOffsetsResponse> {
    if (request.groupId === '') throw invalidGroupId()
    return this.call(request.groupId, (to) => ({ kind: 'shareOffsetsAlter', to, request }))
  }

  /** @throws (rejects) ApiError INVALID_GROUP_ID | GROUP_ID_NOT_FOUND | NON_EMPTY_GROUP */
  async deleteOffsets(
    request: DeleteShareGroupOffsetsRequest,
  ): Promise<DeleteShareGroupOffsetsResponse> {
    if (request.groupId === '') throw invalidGroupId()
    return this.call(request.groupId, (to) => ({ kind: 'shareOffsetsDelete', to, request }))
  }
}

function invalidGroupId(): ApiError {
  return new ApiError('INVALID_GROUP_ID', defaultMessage('INVALID_GROUP_ID'))
}
