// Bundles src/ into dist/: one file for the command, one for the library, a shared chunk between
// them, so that a start reads three files and not two hundred. Packages stay outside the bundle.
import { chmodSync, existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildNative } from './native.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const outdir = join(root, 'dist')
for (const old of ['chunks', 'cli.js', 'index.js']) {
  rmSync(join(outdir, old), { recursive: true, force: true })
}
const entryPoints = { cli: 'src/cli/main.ts', index: 'src/index.ts' }
if (!existsSync(join(root, entryPoints.cli))) delete entryPoints.cli
await build({
  absWorkingDir: root,
  entryPoints,
  outdir,
  bundle: true,
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
})
buildNative({ all: false })
if (entryPoints.cli) chmodSync(join(outdir, 'cli.js'), 0o755)
