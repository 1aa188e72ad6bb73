import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { MskIamKey, MskIamOptions } from '../../security/sasl/msk-iam.ts'
import { BadConfig } from './static-config.ts'

const prefix = 'odradek.msk.iam'
/** A secret ends at the first `:arn:`; it may contain colons, but no semicolon. */
const entry = /^(?<accessKeyId>\w+):(?<secret>.+?):(?<arn>arn:.+)$/

/**
 * Reads how clients of Amazon MSK log in; null if they may not.
 * @throws BadConfig that tells no secret.
 */
export function readMskIam(settings: BrokerSettings, nowMs: () => number): MskIamOptions | null {
  if (!settings.bool(`${prefix}.enabled`)) return null
  const keys = parseKeys(settings.text(`${prefix}.keys`) ?? '')
  const acceptsAny = settings.bool(`${prefix}.accept.any`)
  if (keys.size === 0 && !acceptsAny) {
    throw new BadConfig(`${prefix}.enabled needs ${prefix}.keys or ${prefix}.accept.any`)
  }
  return { keys, acceptsAny, nowMs }
}

function parseKeys(text: string): ReadonlyMap<string, MskIamKey> {
  const keys = new Map<string, MskIamKey>()
  const entries = text.split(';').map((one) => one.trim())
  for (const [i, one] of entries.filter((one) => one !== '').entries()) {
    const { accessKeyId = '', secret = '', arn = '' } = entry.exec(one)?.groups ?? {}
    if (accessKeyId === '') {
      throw new BadConfig(`${prefix}.keys: entry ${i + 1} is not accessKeyId:secret:arn`)
    }
    if (keys.has(accessKeyId)) {
      throw new BadConfig(`${prefix}.keys: entry ${i + 1} has the same key as an earlier one`)
    }
    keys.set(accessKeyId, { secret, arn })
  }
  return keys
}
