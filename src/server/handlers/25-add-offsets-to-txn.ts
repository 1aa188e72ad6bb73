import { partitionSet } from '../../coordinator/transaction/partition-set.ts'
import { errorCode } from '../../protocol/errors.ts'
import { addOffsetsToTxn } from '../../protocol/messages/25-add-offsets-to-txn.ts'
import { authorize } from '../access.ts'
import { knownAs } from '../fenced.ts'
import { handler } from '../handler.ts'
import { offsetsTopic } from '../internal-topics.ts'

const fencedSince = 2

/** AddOffsetsToTxn: adds the partition with a group's offsets to the transaction. */
export const handleAddOffsetsToTxn = handler(
  addOffsetsToTxn,
  async ({ groupId, ...producer }, context, services) => {
    authorize(services, context, 'WRITE', 'transactionalId', producer.transactionalId)
    authorize(services, context, 'READ', 'group', groupId)
    const topics = [{ topic: offsetsTopic, partitions: [services.groups.partitionFor(groupId)] }]
    await services.transactions.addPartitions({
      ...producer,
      partitions: partitionSet(topics),
      transactionVersion: 0,
    })
    return { errorCode: errorCode('NONE') }
  },
  (_request, { apiVersion }, code) => ({
    errorCode: knownAs(code, apiVersion >= fencedSince),
  }),
)
