// Bundles a program of this project and runs it: Node 20 cannot run TypeScript.
// node scripts/run.mjs fuzz/main.ts --its --flags
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const [entry] = process.argv.splice(2, 1)
const outfile = join(root, '.cache', entry.replaceAll('/', '-').replace(/\.ts$/, '.mjs'))
await build({
  absWorkingDir: root,
  entryPoints: [entry],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
})
await import(pathToFileURL(outfile).href)
