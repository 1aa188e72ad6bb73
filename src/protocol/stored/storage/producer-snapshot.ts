import { array, data, int16, int32, int64, uint32, type ValueOf } from '../../schema.ts'

export const producerSnapshot = data({
  name: 'ProducerSnapshot',
  versions: [1, 1],
  flexible: null,
  fields: {
    crc: uint32,
    producerEntries: array({
      producerId: int64,
      epoch: int16,
      lastSequence: int32,
      lastOffset: int64,
      offsetDelta: int32,
      timestamp: int64,
      coordinatorEpoch: int32,
      currentTxnFirstOffset: int64,
    }),
  },
})

export type ProducerSnapshot = ValueOf<typeof producerSnapshot>
