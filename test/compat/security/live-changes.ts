import { pbkdf2Sync } from 'node:crypto'
import {
  aclOperations,
  aclResourceTypes,
  patternTypes,
  permissionTypes,
} from '../../../src/metadata/acls.ts'
import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { describeAcls } from '../../../src/protocol/messages/29-describe-acls.ts'
import { createAcls } from '../../../src/protocol/messages/30-create-acls.ts'
import { deleteAcls } from '../../../src/protocol/messages/31-delete-acls.ts'
import { describeUserScramCredentials } from '../../../src/protocol/messages/50-describe-user-scram-credentials.ts'
import { alterUserScramCredentials } from '../../../src/protocol/messages/51-alter-user-scram-credentials.ts'
import { until } from '../kafkajs/client.ts'
import { Line } from '../wire/peer.ts'
import { loginByScram } from './logins.ts'
import type { Secured } from './secured.ts'

const carol = { name: 'carol', password: 'carol-pw' }
const filterOfCarol = {
  ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
  ...{ principalFilter: 'User:carol', hostFilter: null, operation: 1, permissionType: 1 },
}

/** A super user's connection. Each change resolves when the broker describes it. */
class Admin {
  readonly line: Line

  constructor(port: number) {
    this.line = new Line(port)
  }

  async addCarol(): Promise<void> {
    const salt = Buffer.from('a salt')
    const iterations = 4096
    const saltedPassword = pbkdf2Sync(carol.password, salt, iterations, 32, 'sha256')
    const one = { name: carol.name, mechanism: 1, iterations, salt, saltedPassword }
    await this.#alterUsers({ deletions: [], upsertions: [one] }, 0)
  }

  removeCarol(): Promise<void> {
    const deletions = [{ name: carol.name, mechanism: 1 }]
    return this.#alterUsers({ deletions, upsertions: [] }, 91)
  }

  async addRule(permission: 'ALLOW' | 'DENY'): Promise<void> {
    const rule = {
      ...{ principal: 'User:carol', host: '*', resourceName: 'alices' },
      resourceType: aclResourceTypes.TOPIC,
      operation: aclOperations.DESCRIBE,
      resourcePatternType: patternTypes.LITERAL,
      permissionType: permissionTypes[permission],
    }
    const before = await this.#rules()
    await this.line.ask(createAcls, 3, { creations: [rule] })
    await until('the rule is known', async () => (await this.#rules()) === before + 1)
  }

  async removeRules(): Promise<void> {
    await this.line.ask(deleteAcls, 3, { filters: [filterOfCarol] })
    await until('the rules are gone', async () => (await this.#rules()) === 0)
  }

  async #rules(): Promise<number> {
    const { resources } = await this.line.ask(describeAcls, 3, filterOfCarol)
    return resources.flatMap(({ acls }: { acls: unknown[] }) => acls).length
  }

  /** `described` is the error code of the description that shows the change. */
  async #alterUsers(change: object, described: number): Promise<void> {
    const { results } = await this.line.ask(alterUserScramCredentials, 0, change)
    if (results[0].errorCode !== 0) throw new Error(results[0].errorMessage)
    await until('the user is known as changed', async () => {
      const asked = { users: [{ name: carol.name }] }
      const answer = await this.line.ask(describeUserScramCredentials, 0, asked)
      return answer.results[0].errorCode === described
    })
  }
}

/** Changes what a user may while it is connected. @returns what came of each change. */
export async function liveChanges({ ports }: Secured): Promise<string[]> {
  const admin = new Admin(ports.open)
  const told: string[] = []
  const lines: Line[] = []
  /** Apache Kafka describes a change of a user a moment before its logins heed it. */
  const login = async (isLetIn: boolean) => {
    let line: Line
    let outcome = ''
    await until(`a login is ${isLetIn ? 'accepted' : 'refused'}`, async () => {
      line = new Line(ports.sasl)
      lines.push(line)
      outcome = (await loginByScram(line, carol)).outcome
      return outcome.startsWith('NONE') === isLetIn
    })
    return { line: line!, outcome }
  }
  try {
    await admin.addCarol()
    const { line } = await login(true)
    const sees = async (when: string) => {
      const answer = await line.ask(metadata, 12, { topics: null })
      const names = answer.topics?.map(({ name }: { name: string }) => name)
      told.push(`${when}: carol sees ${JSON.stringify(names ?? answer)}`)
    }
    await sees('before any rule')
    await admin.addRule('ALLOW')
    await sees('with a rule')
    await admin.removeRules()
    await sees('without it')
    await admin.addRule('ALLOW')
    await admin.addRule('DENY')
    await sees('with a rule that denies')
    await admin.removeRules()
    await admin.addRule('ALLOW')
    told.push(`a second login: ${(await login(true)).outcome}`)
    await admin.removeCarol()
    told.push(`a login after the user is gone: ${(await login(false)).outcome}`)
    await sees('on the open connection')
    return told
  } finally {
    for (const line of [admin.line, ...lines]) line.close()
  }
}
