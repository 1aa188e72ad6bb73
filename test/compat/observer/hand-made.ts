import { type MetadataRecord, metadataRecord } from '../../../src/metadata/records.ts'
import { topicRecord } from '../../../src/protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../../../src/protocol/stored/metadata/03-partition-record.ts'
import { delegationTokenRecord } from '../../../src/protocol/stored/metadata/10-delegation-token-record.ts'
import { beginTransactionRecord } from '../../../src/protocol/stored/metadata/23-begin-transaction-record.ts'
import { endTransactionRecord } from '../../../src/protocol/stored/metadata/24-end-transaction-record.ts'
import { abortTransactionRecord } from '../../../src/protocol/stored/metadata/25-abort-transaction-record.ts'

const begin = metadataRecord(beginTransactionRecord, { name: 'hand-made' })
const end = metadataRecord(endTransactionRecord, {})
const abort = metadataRecord(abortTransactionRecord, { reason: 'hand-made' })

const idOf = (name: string) => Buffer.from(name.padEnd(16, '.')).toString('base64url')

function partition(name: string, partitionId: number): MetadataRecord {
  return metadataRecord(partitionRecord, {
    ...{ partitionId, topicId: idOf(name), replicas: [1], isr: [1], leader: 1 },
    ...{ removingReplicas: [], addingReplicas: [], directories: [idOf('directory')] },
    ...{ leaderEpoch: 0, partitionEpoch: 0 },
  })
}

const topic = (name: string) => [
  metadataRecord(topicRecord, { name, topicId: idOf(name) }),
  partition(name, 0),
]

const token = metadataRecord(delegationTokenRecord, {
  ...{ owner: 'User:owner', requester: 'User:requester', renewers: ['User:a', 'User:b:c'] },
  ...{ issueTimestamp: 1, maxTimestamp: 2 ** 42, expirationTimestamp: 2 ** 41, tokenId: 'token' },
})

/** Batches with metadata transactions (KIP-868) over several of them; the last one stays open. */
export const handMade: readonly (readonly MetadataRecord[])[] = [
  [begin, ...topic('kept')],
  [partition('kept', 1), partition('kept', 2)],
  [partition('kept', 3), end],
  [token],
  [begin, ...topic('dropped')],
  [partition('dropped', 1)],
  [abort, ...topic('beside')],
  [begin, ...topic('dropped at last')],
]
