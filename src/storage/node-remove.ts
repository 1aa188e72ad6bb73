import fs from 'node:fs'
import { join } from 'node:path'
import { call, orNull } from './disk-attempt.ts'

/** Error codes of unlink(2) for a directory: EISDIR on Linux, EPERM on POSIX and Windows. */
const isDirectoryCodes = ['EISDIR', 'EPERM']

/**
 * Removes a file, or a directory with its content; a missing one is no error. Calls run one after
 * another, so that the thread pool stays available for others, and there are half as many as in
 * `fs.promises.rm`, which first queries the type of each entry.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await removeFile(path)
  } catch (failure) {
    if (!isDirectoryCodes.includes(codeOf(failure))) throw failure
    await removeDirectory(path).catch((error: unknown) => {
      // It is not a directory: report the error of removing the file.
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
