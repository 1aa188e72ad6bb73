import { expect, test } from 'vitest'
import { systemRandom } from '../../src/base/random.ts'
import { ScramServer } from '../../src/security/sasl/scram.ts'
import { saltPassword, scramKeys } from '../../src/security/scram.ts'
import { ScramDialogue } from '../compat/security/sasl-client.ts'

const sha256 = 1
const salt = Buffer.from('a salt')
const iterations = 4096
const credential = {
  ...{ salt, iterations },
  ...scramKeys(sha256, saltPassword(sha256, 'pw', salt, iterations)),
}

test.each([',x=y,b=c', ',b=c,x=y'])(
  'SCRAM covers extensions as they were sent: %s',
  (extensions) => {
    const server = new ScramServer({
      hash: 'sha256',
      random: systemRandom,
      credentialOf: () => credential,
      tokenOf: () => undefined,
    })
    const client = new ScramDialogue('sha256', 'alice', 'pw', { extensions })
    const { bytes, login: early } = server.evaluate(client.first)
    expect(early).toBeNull()
    expect(server.evaluate(client.final(bytes.toString())).login?.name).toBe('alice')
  },
)
