import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { groupConfigDefaults as config } from '../../../src/coordinator/group/config.ts'
import { GroupShard } from '../../../src/coordinator/group/shard.ts'
import { ApiError } from '../../../src/protocol/errors.ts'
import { client, Topics } from './groups.ts'

const to = () => {}
const groupId = 'g'
const nothing = { records: [], replies: [], effects: [], timers: [] }

/** A shard with one consumer group, which nobody is in. */
function withGroup() {
  const topics = new Topics()
  topics.add('t', 1)
  const shard = new GroupShard({ config, logger: silentLogger, topics })
  const value = { epoch: 1, metadataHash: 0n }
  shard.replay({ type: 'ConsumerGroupMetadata', key: { groupId }, value })
  return shard
}

test('a refused request is an answer, as plain data', () => {
  expect(withGroup().decide({ kind: 'describeConsumer', to, groupId: 'other' }, 1)).toEqual({
    ...nothing,
    replies: [{ to, body: new ApiError('GROUP_ID_NOT_FOUND', 'Group other not found.') }],
  })
})

test('a slow expression is matched elsewhere, once the answers before it are sent', () => {
  const regexes = ['(a|b)'.repeat(1000)]
  const command = { kind: 'resolveRegexes', groupId, regexes, client } as const
  expect(withGroup().decide(command, 1)).toEqual({
    ...nothing,
    effects: [{ kind: 'matchElsewhere', command, names: ['t'], version: 0 }],
  })
})
