import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { errorName } from '../../src/protocol/errors.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { describeDelegationToken } from '../../src/protocol/messages/41-describe-delegation-token.ts'
import { describeUserScramCredentials } from '../../src/protocol/messages/50-describe-user-scram-credentials.ts'
import type { AnyApi } from '../../src/protocol/schema.ts'
import {
  type ControllerSide,
  startKafkaController,
  startOdradekController,
} from './controller/sides.ts'
import { Line } from './wire/peer.ts'

/** Time without an answer, in ms, after which there will be none. */
const silenceMs = 3_000

const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }

const owners = [null, [{ principalType: 'User', principalName: 'alice' }]]

describe.skipIf(inject('javaMissing') !== null)("what a controller's listener offers", () => {
  let sides: ControllerSide[] = []
  beforeAll(async () => {
    sides = await Promise.all([startOdradekController({}), startKafkaController({})])
  })
  afterAll(() => Promise.all(sides.map((side) => side.close())))

  const both = (api: AnyApi, version: number, body: object) =>
    Promise.all(sides.map((side) => side.ask(api, version, body)))

  test.each([0, 1, 2, 3, 4, 5])('ApiVersions v%d', async (version) => {
    const [ours, theirs] = await both(apiVersions as AnyApi, version, software)
    const sorted = ({ apiKeys }: any) => apiKeys.toSorted((a: any, b: any) => a.apiKey - b.apiKey)
    expect(sorted(ours)).toEqual(sorted(theirs))
    expect(theirs.apiKeys.length).toBeGreaterThan(40)
    const named = (list: any[]) => list.toSorted((a, b) => a.name.localeCompare(b.name))
    expect(named(ours.supportedFeatures)).toEqual(named(theirs.supportedFeatures))
    expect(named(ours.finalizedFeatures)).toEqual(named(theirs.finalizedFeatures))
  })

  test.each([1, 2, 3])('DescribeDelegationToken v%d is not carried out', async (version) => {
    for (const asked of owners) {
      const [ours, theirs] = await both(describeDelegationToken as AnyApi, version, {
        owners: asked,
      })
      expect(ours).toEqual(theirs)
      expect(errorName(theirs.errorCode)).toBe('UNKNOWN_SERVER_ERROR')
    }
  })

  test('DescribeUserScramCredentials of some users is not carried out', async () => {
    for (const asked of [[], [{ name: 'alice' }, { name: 'bob' }]]) {
      const [ours, theirs] = await both(describeUserScramCredentials as AnyApi, 0, { users: asked })
      expect(ours).toEqual(theirs)
      expect(errorName(theirs.errorCode)).toBe('UNKNOWN_SERVER_ERROR')
    }
  })

  test('DescribeUserScramCredentials of all users has no answer', async () => {
    const answers = await Promise.all(
      sides.map(async ({ port }) => {
        const line = new Line(port, silenceMs)
        const answer = await line.ask(describeUserScramCredentials as AnyApi, 0, { users: null })
        line.close()
        return answer
      }),
    )
    const silence = `no answer within ${silenceMs} ms`
    expect(answers).toEqual([silence, silence])
  })
})
