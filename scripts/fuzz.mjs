// Bundles fuzz/ and runs it: Node 20 cannot run TypeScript. `npm run fuzz -- --help` lists the flags.
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const outfile = join(root, '.cache', 'fuzz.mjs')
await build({
  absWorkingDir: root,
  entryPoints: ['fuzz/main.ts'],
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
