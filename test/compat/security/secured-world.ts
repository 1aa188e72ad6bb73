import { javaTools } from '../kafka/tools.ts'
import { passwords, type Secured } from './secured.ts'

export const superUsers = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:admin;User:ANONYMOUS',
}

/** Gives a user a password for both kinds of SCRAM, of which Kafka takes one in a request. */
export async function giveCredentials(port: number, user: string, password: string) {
  const tools = await javaTools()
  const at = ['--bootstrap-server', `127.0.0.1:${port}`]
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512']) {
    const credential = `${mechanism}=[iterations=4096,password=${password}]`
    const entity = ['--entity-type', 'users', '--entity-name', user]
    await tools.ask('configs', [...at, '--alter', '--add-config', credential, ...entity])
  }
}

/** Makes topics of two users, their ACLs and their SCRAM credentials. */
export async function prepareWorld({ ports }: Secured): Promise<void> {
  const tools = await javaTools()
  const at = ['--bootstrap-server', `127.0.0.1:${ports.open}`]
  for (const user of ['alice', 'bob'] as const) {
    await tools.ask('topics', [...at, '--create', '--topic', `${user}s`])
    const who = ['--add', '--allow-principal', `User:${user}`]
    const what = ['--producer', '--consumer', '--topic', `${user}s`, '--group', '*']
    await tools.ask('acls', [...at, ...who, ...what])
    await giveCredentials(ports.open, user, passwords[user])
  }
}
