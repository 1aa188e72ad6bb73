import fs from 'node:fs'
import { join } from 'node:path'
import { call } from './disk-attempt.ts'

/** What unlink(2) says of a directory: Linux the first, POSIX and Windows the second. */
const isDirectoryCodes = new Set(['EISDIR', 'EPERM'])

/**
 * Removes a file, or a directory with all that is in it. What is not there is no error. One call after
 * the other, so that the thread pool keeps its hands free for who waits; and half the calls of
 * `fs.promises.rm`, which asks of each thing what it is.
 */
export async function removeTree(path: string): Promise<void> {
  const failure = await tried((done) => fs.unlink(path, done))
  if (failure === null) return
  if (!isDirectoryCodes.has(failure.code ?? '')) throw failure
  try {
    await removeDirectory(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // No directory either: then it is the file that cannot be removed.
    if (code === 'ENOTDIR') throw failure
    if (code !== 'ENOENT') throw error
  }
}

async function removeDirectory(path: string): Promise<void> {
  const entries = await call<fs.Dirent[]>((done) => fs.readdir(path, { withFileTypes: true }, done))
  for (const entry of entries) {
    const inside = join(path, entry.name)
    if (entry.isDirectory()) await removeDirectory(inside)
    else await orThrow((done) => fs.unlink(inside, done))
  }
  await orThrow((done) => fs.rmdir(path, done))
}

type Done = (error: NodeJS.ErrnoException | null) => void

async function orThrow(start: (done: Done) => void): Promise<void> {
  const failure = await tried(start)
  if (failure !== null) throw failure
}

/** @returns null where it is done, or there was nothing to do. */
function tried(start: (done: Done) => void): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    start((error) => resolve(error?.code === 'ENOENT' ? null : error))
  })
}
