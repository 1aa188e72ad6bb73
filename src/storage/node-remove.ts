import fs from 'node:fs'
import { join } from 'node:path'
import { call, orNull } from './disk-attempt.ts'

/** What unlink(2) says of a directory: Linux the first, POSIX and Windows the second. */
const isDirectoryCodes = ['EISDIR', 'EPERM']

/**
 * Removes a file, or a directory with all that is in it. What is not there is no error. One call after
 * the other, so that the thread pool keeps its hands free for who waits; and half the calls of
 * `fs.promises.rm`, which asks of each thing what it is.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await removeFile(path)
  } catch (failure) {
    if (!isDirectoryCodes.includes(codeOf(failure))) throw failure
    await removeDirectory(path).catch((error: unknown) => {
      // No directory either: then it is the file that cannot be removed.
      throw codeOf(error) === 'ENOTDIR' ? failure : error
    })
  }
}

async function removeDirectory(path: string): Promise<void> {
  const reading = call<fs.Dirent[]>((done) => fs.readdir(path, { withFileTypes: true }, done))
  for (const entry of (await orNull(reading)) ?? []) {
    const inside = join(path, entry.name)
    if (entry.isDirectory()) await removeDirectory(inside)
    else await removeFile(inside)
  }
  await orNull(call((done) => fs.rmdir(path, done)))
}

async function removeFile(path: string): Promise<void> {
  await orNull(call((done) => fs.unlink(path, done)))
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code)
}
