import { api, int16, int32, int64, type Request, type Response } from '../schema.ts'

/** AllocateProducerIds. */
export const allocateProducerIds = api({
  name: 'AllocateProducerIds',
  key: 67,
  versions: [0, 0],
  flexible: 0,
  request: { brokerId: int32, brokerEpoch: int64.default(-1) },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerIdStart: int64,
    producerIdLen: int32,
  },
})
export type AllocateProducerIdsRequest = Request<typeof allocateProducerIds>
export type AllocateProducerIdsResponse = Response<typeof allocateProducerIds>
