import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run, runWell } from '../process.ts'

/** The broker for comparison, and the newest published tools. */
export const serverVersion = '4.4.0'
export const toolsVersion = '4.3.1'

/** The folder of the jars between runs: `ODRADEK_KAFKA_HOME`, or one in the user's cache. */
export const kafkaHome =
  process.env.ODRADEK_KAFKA_HOME ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'odradek', 'kafka')

/**
 * `server`: the broker, 4.4.0. `tools`: the command line tools and their clients, 4.3.1.
 * `streams`: Kafka Streams with its clients, 4.3.1.
 */
export type Classes = 'server' | 'tools' | 'streams'

interface Dependency {
  readonly group?: string
  readonly artifact: string
  readonly version: string
  readonly exclude?: readonly string[]
}

const log4jVersion = '2.25.1'
const logging: readonly Dependency[] = ['log4j-slf4j-impl', 'log4j-core'].map((artifact) => ({
  group: 'org.apache.logging.log4j',
  artifact,
  version: log4jVersion,
}))

const dependencies: Record<Classes, readonly Dependency[]> = {
  // kafka-tools-api 4.4.0 is not published: an older one without its dependencies replaces it.
  server: [
    {
      artifact: 'kafka_2.13',
      version: serverVersion,
      exclude: ['org.apache.kafka:kafka-tools-api'],
    },
    { artifact: 'kafka-tools-api', version: toolsVersion, exclude: ['*:*'] },
  ],
  tools: [
    { artifact: 'kafka-tools', version: toolsVersion },
    { artifact: 'kafka_2.13', version: toolsVersion },
  ],
  streams: [{ artifact: 'kafka-streams', version: toolsVersion }],
}

function pom(name: string, of: readonly Dependency[]): string {
  const tag = (what: string, text: string) => `<${what}>${text}</${what}>`
  const coordinates = (group: string, artifact: string) =>
    tag('groupId', group) + tag('artifactId', artifact)
  const listed = of.map(({ group = 'org.apache.kafka', artifact, version, exclude = [] }) => {
    const exclusions = exclude.map((one) => {
      const [theirGroup = '*', theirArtifact = '*'] = one.split(':')
      return tag('exclusion', coordinates(theirGroup, theirArtifact))
    })
    return tag(
      'dependency',
      coordinates(group, artifact) +
        tag('version', version) +
        tag('exclusions', exclusions.join('')),
    )
  })
  const head = tag('modelVersion', '4.0.0') + coordinates('odradek.compat', name)
  return `<project>${head}<version>1</version>${tag('dependencies', listed.join('\n'))}</project>`
}

const folderOf = (classes: Classes) =>
  join(kafkaHome, `${classes}-${serverVersion}-${toolsVersion}-${log4jVersion}`)

/**
 * Downloads a set of jars from Maven Central. Complete or absent: the folder is renamed into place.
 */
async function resolve(classes: Classes): Promise<void> {
  const folder = folderOf(classes)
  if (existsSync(folder)) return
  mkdirSync(kafkaHome, { recursive: true })
  const partial = `${folder}.${process.pid}.tmp`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial)
  writeFileSync(join(partial, 'pom.xml'), pom(classes, [...dependencies[classes], ...logging]))
  await runWell(
    'mvn',
    ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib', '-DincludeScope=runtime'],
    { cwd: partial, timeoutMs: 600_000 },
  )
  writeFileSync(join(partial, 'log4j2.xml'), log4jConfig)
  try {
    renameSync(partial, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error // else another run was faster: its jars are the same
    rmSync(partial, { recursive: true, force: true })
  }
}

const log4jConfig = `<Configuration status="ERROR"><Appenders><Console name="E" target="SYSTEM_ERR">
<PatternLayout pattern="%d %p %c{1} %m%n"/></Console></Appenders><Loggers>
<Logger name="kafka.server.KafkaRaftServer" level="INFO"/>
<Root level="WARN"><AppenderRef ref="E"/></Root></Loggers></Configuration>
`

/** Returns the reason why Java programs cannot run here, or null. */
export async function javaMissing(): Promise<string | null> {
  for (const [program, flag] of [
    ['java', '-version'],
    ['javac', '-version'],
    ['mvn', '-v'],
  ] as const) {
    try {
      const { code, stdout, stderr } = await run(program, [flag])
      if (code !== 0) return `${program} ${flag} ended with ${code}`
      const version = /(?:version "|javac )(\d+)/.exec(stdout + stderr)?.[1]
      if (program !== 'mvn' && !(Number(version) >= 17)) {
        return `${program} is of version ${version}, 17 or newer is needed`
      }
    } catch {
      return `${program} is not installed`
    }
  }
  return null
}

/** Resolves all jars (about 20 s the first time, nothing later). */
export async function getKafka(): Promise<void> {
  await resolve('server')
  await resolve('tools')
  await resolve('streams')
}

/** For programs that need it. @throws Error that names what is missing. */
export async function needKafka(): Promise<void> {
  const missing = await javaMissing()
  if (missing !== null) throw new Error(`this needs Java 17 and Maven: ${missing}`)
  await getKafka()
}

/** The absolute paths of the jars of a set. @throws Error if they were not resolved. */
export function jarsOf(classes: Classes): string[] {
  const lib = join(folderOf(classes), 'lib')
  if (!existsSync(lib)) throw new Error(`no jars in ${lib}: call getKafka() first`)
  return readdirSync(lib).map((name) => join(lib, name))
}

/** The class path of a set for `java -cp`, with `extra` folders or jars first. */
export function classPathOf(classes: Classes, ...extra: string[]): string {
  return [...extra, join(folderOf(classes), 'lib', '*')].join(':')
}

/** JVM arguments of every program: warnings and errors go to standard error. */
export function loggingArgs(classes: Classes): string[] {
  return [`-Dlog4j2.configurationFile=${join(folderOf(classes), 'log4j2.xml')}`]
}
