import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of package.json, also for a bundle elsewhere in the project. */
export const projectRoot = (() => {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (folder === dirname(folder)) throw new Error(`no package.json above ${import.meta.dirname}`)
  }
})()
