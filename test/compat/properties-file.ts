import { writeFileSync } from 'node:fs'
import type { Settings } from './targets.ts'

/** Writes a server.properties. */
export function writeProperties(path: string, settings: Settings): void {
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(path, lines.join(''))
}
