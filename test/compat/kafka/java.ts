import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Running, runWell } from '../process.ts'
import { projectRoot } from '../project-root.ts'
import { type Classes, classPathOf, jarsOf, kafkaHome, loggingArgs } from './jars.ts'

const sources = join(projectRoot, 'test', 'compat', 'java')

/** Short programs start faster without the second compiler. */
const quickStart = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']

/** Paths of the Java files of a folder, in order. */
const javaFilesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.java'))
    .toSorted()
    .map((name) => join(folder, name))

/**
 * Compiles `test/compat/java/` against the tools, which are of an older release, and its folder
 * `server` against the broker; once for each content of the files.
 * @returns the folder of the classes.
 */
export async function compile(): Promise<string> {
  const files = javaFilesIn(sources)
  const serverFiles = javaFilesIn(join(sources, 'server'))
  const hash = createHash('sha256')
  for (const file of [...files, ...serverFiles]) hash.update(readFileSync(file))
  const folder = join(kafkaHome, 'classes', hash.digest('hex').slice(0, 16))
  if (existsSync(folder)) return folder
  const partial = `${folder}.${process.pid}.tmp`
  mkdirSync(partial, { recursive: true })
  const flags = ['-nowarn', '-proc:none', '-d', partial, '-cp']
  const older = `${classPathOf('tools')}:${classPathOf('streams')}`
  await runWell('javac', [...flags, older, ...files], { timeoutMs: 120_000 })
  await runWell('javac', [...flags, classPathOf('server'), ...serverFiles], { timeoutMs: 120_000 })
  try {
    renameSync(partial, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(partial, { recursive: true, force: true })
  }
  return folder
}

/**
 * Starts a main class in its own JVM, to be killed or measured.
 * @param options.without paths of jars to leave out.
 */
export function startJava(
  mainClass: string,
  args: readonly string[],
  options: { classes?: Classes; extra?: string[]; jvm?: string[]; without?: RegExp } = {},
): Running {
  const { classes = 'tools', extra = [], jvm = quickStart, without } = options
  return new Running('java', [
    ...jvm,
    ...loggingArgs(classes),
    '-cp',
    without === undefined
      ? classPathOf(classes, ...extra)
      : [...extra, ...jarsOf(classes).filter((jar) => !without.test(jar))].join(':'),
    mainClass,
    ...args,
  ])
}
