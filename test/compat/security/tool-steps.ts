import { javaTools, type Tool } from '../kafka/tools.ts'
import { byPassword, toolArgs } from './java-logins.ts'
import type { passwords, Secured, Stores } from './secured.ts'

type Step = readonly [Tool, ...string[]]

const ofUser = (name: string) => ['--entity-type', 'users', '--entity-name', name]
const ofClients = ['--entity-type', 'clients', '--entity-default']
const addCredential = 'SCRAM-SHA-256=[iterations=4096,password=dave-pw]'
const allowed = ['--allow-principal', 'User:dave', '--operation', 'Read', '--topic', 'tools']
const denied = ['--deny-principal', 'User:dave', '--deny-host', '10.0.0.1', '--operation', 'Write']

const aclSteps: readonly Step[] = [
  ['acls', '--add', ...allowed],
  ['acls', '--add', ...denied, '--topic', 'to', '--resource-pattern-type', 'prefixed'],
  ['acls', '--add', '--allow-principal', 'User:dave', '--producer', '--topic', 'tools'],
  ['acls', '--list'],
  ['acls', '--list', '--topic', 'tools', '--resource-pattern-type', 'match'],
  ['acls', '--remove', '--force', ...allowed],
  ['acls', '--list', '--principal', 'User:dave'],
]

const configSteps: readonly Step[] = [
  ['configs', '--alter', ...ofUser('dave'), '--add-config', addCredential],
  ['configs', '--alter', ...ofUser('dave'), '--add-config', 'producer_byte_rate=1048576'],
  ['configs', '--alter', ...ofClients, '--add-config', 'request_percentage=150'],
  ['configs', '--describe', ...ofUser('dave')],
  ['configs', '--describe', ...ofClients],
  ['configs', '--alter', ...ofUser('dave'), '--delete-config', 'SCRAM-SHA-256'],
  ['configs', '--alter', ...ofUser('dave'), '--delete-config', 'producer_byte_rate'],
  ['configs', '--describe', ...ofUser('dave')],
]

const groupSteps: readonly Step[] = [
  ['consumer-groups', '--list'],
  ['consumer-groups', '--describe', '--group', 'absent'],
  ['consumer-groups', '--delete', '--group', 'absent'],
]

const create: Step = ['topics', '--create', '--topic', 'tools', '--partitions', '2']
const describe: Step = ['topics', '--describe', '--topic', 'tools']
const remove: Step = ['topics', '--delete', '--topic', 'tools']

export const superUserSteps: readonly Step[] = [
  create,
  ['topics', '--list'],
  describe,
  ...aclSteps,
  ...configSteps,
  ...groupSteps,
  remove,
]

/** Also asks for what exists and must not be seen. */
export const deniedSteps: readonly Step[] = [
  create,
  ['topics', '--list'],
  ['topics', '--describe', '--topic', 'alices'],
  ['topics', '--delete', '--topic', 'alices'],
  ['topics', '--alter', '--topic', 'bobs', '--partitions', '3'],
  aclSteps[0]!,
  ['acls', '--list'],
  aclSteps[5]!,
  ...configSteps.slice(0, 5),
  ...groupSteps,
]

/** Runs tools as one user against one broker, and notes what they say. */
export class ToolTranscript {
  readonly #stores: Stores
  readonly #port: number
  readonly #user: keyof typeof passwords

  constructor(stores: Stores, { ports }: Secured, user: keyof typeof passwords) {
    this.#stores = stores
    this.#port = ports.both
    this.#user = user
  }

  async run(steps: readonly Step[]): Promise<string[]> {
    const tools = await javaTools()
    const at = toolArgs(this.#stores, byPassword(this.#stores, this.#user), this.#port)
    const told: string[] = []
    for (const [tool, ...args] of steps) {
      const { code, stdout, stderr } = await tools.call(tool, [...at, ...args])
      told.push(`${tool} ${args.join(' ')}: ${code}\n${this.#plain(stdout + stderr)}`)
    }
    return told
  }

  /** Without what differs at each call; the lines in an order of their own. */
  #plain(text: string): string {
    return (
      text
        .replaceAll(String(this.#port), 'PORT')
        .replace(/\d{4}-\d\d-\d\d [\d:,]+/g, 'TIME')
        // Apache Kafka's controller prints its request object.
        .replace(/Request Request\(.*\) needs \w+ permission\./g, 'Cluster authorization failed.')
        .replace(/TopicId: \S+/g, 'TopicId: ID')
        .replace(/^\tat .*\n|^\t\.\.\. \d+ more\n/gm, '')
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== '')
        .toSorted()
        .join('\n')
    )
  }
}
