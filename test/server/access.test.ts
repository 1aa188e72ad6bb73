import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { errorCode } from '../../src/protocol/errors.ts'
import { joinGroup } from '../../src/protocol/messages/11-join-group.ts'
import { listGroups } from '../../src/protocol/messages/16-list-groups.ts'
import { type Access, anonymous } from '../../src/security/authorizer.ts'
import { Assembly } from '../../src/server/assembly.ts'
import { RawClient } from './raw-client.ts'

test('an authorizer is asked who wants what, and whether to log a denial', async () => {
  const asked: Access[] = []
  const isAllowed = (access: Access) => {
    asked.push(access)
    return false
  }
  const outside = { clock: systemClock, random: systemRandom, logger: silentLogger }
  const assembly = await Assembly.build({
    ...outside,
    memory: true,
    port: 0,
    authorizer: { usesAcls: false, isAllowed, isAllowedOnAny: () => false },
  })
  const client = await RawClient.open(assembly.addressesOf(assembly.brokerIds[0]!)[0]!.port)
  await client.request(listGroups, 4, { statesFilter: [] })
  const refused = await client.request(joinGroup, 4, {
    ...{ groupId: 'g', sessionTimeoutMs: 10_000, memberId: '', protocolType: 'consumer' },
    protocols: [],
  })
  expect(refused.errorCode).toBe(errorCode('GROUP_AUTHORIZATION_FAILED'))
  const who = { principal: anonymous, host: '/127.0.0.1' }
  const cluster = { kind: 'cluster', name: 'kafka-cluster' }
  expect(asked).toEqual([
    { ...who, operation: 'DESCRIBE', ...cluster, request: 'ListGroups', isDenialLogged: false },
    {
      ...who,
      operation: 'READ',
      kind: 'group',
      name: 'g',
      request: 'JoinGroup',
      isDenialLogged: true,
    },
  ])
  client.close()
  await assembly.close()
})
