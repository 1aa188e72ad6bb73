import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Running, runWell } from '../process.ts'
import { type Classes, classPathOf, kafkaHome, loggingArgs } from './jars.ts'

const sources = join(import.meta.dirname, '..', 'java')

/** Short-lived programs start faster without the second compiler. */
const quickStart = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xshare:auto']

/**
 * Compiles `test/compat/java/NAME.java` once for each content of the file.
 *
 * @returns the folder of its classes.
 */
export async function compile(name: string, classes: Classes): Promise<string> {
  const source = join(sources, `${name}.java`)
  const digest = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)
  const folder = join(kafkaHome, 'classes', `${name}-${classes}-${digest}`)
  if (existsSync(folder)) return folder
  const partial = `${folder}.${process.pid}.tmp`
  mkdirSync(partial, { recursive: true })
  const flags = ['-nowarn', '-proc:none', '-d', partial, '-cp', classPathOf(classes)]
  await runWell('javac', [...flags, source], { timeoutMs: 120_000 })
  try {
    renameSync(partial, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(partial, { recursive: true, force: true })
  }
  return folder
}

/** Starts a main class in a JVM of its own: for what must be killed, or measured. */
export function startJava(
  mainClass: string,
  args: readonly string[],
  options: { classes?: Classes; extra?: string[]; jvm?: string[] } = {},
): Running {
  const { classes = 'tools', extra = [], jvm = quickStart } = options
  return new Running('java', [
    ...jvm,
    ...loggingArgs(classes),
    '-cp',
    classPathOf(classes, ...extra),
    mainClass,
    ...args,
  ])
}

/** Compiles and starts a program of `test/compat/java/`. */
export async function startOurJava(
  name: string,
  args: readonly string[],
  classes: Classes = 'tools',
): Promise<Running> {
  return startJava(name, args, { classes, extra: [await compile(name, classes)] })
}
