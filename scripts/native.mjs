// Compiles native/crc32c.c for this machine into dist/native/, where a C compiler is: `npm run build` does
// it, and so does packing. With --all for arm64 too, where Debian's cross compiler is (gcc-aarch64-linux-gnu).
// Without a compiler nothing is lost but speed: checksums are computed by a package then.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'native', 'crc32c.c')
const target = join(root, 'dist', 'native')

/** No C library is linked: what little is asked of one is in every process of Node, glibc's or musl's. */
const flags = [
  ...['-std=gnu11', '-O3', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-nostdlib'],
  ...['-fvisibility=hidden', '-fno-stack-protector', '-Wl,--build-id=none', '-s'],
]
const flagsOf = { x64: [], arm64: ['-march=armv8-a+crc'] }
const crossCompilers = { x64: 'x86_64-linux-gnu-gcc', arm64: 'aarch64-linux-gnu-gcc' }

/** @returns null, or why there is no library for that processor. */
function compile(arch, compiler, hash) {
  const library = join(target, `crc32c-linux-${arch}.so`)
  if (existsSync(library) && readFileSync(library).includes(hash)) return null
  mkdirSync(target, { recursive: true })
  const args = [...flags, ...flagsOf[arch], `-DSOURCE="${hash}"`, '-o', library, source]
  try {
    execFileSync(compiler, args, { stdio: 'pipe' })
    return null
  } catch (error) {
    return error.code === 'ENOENT' ? `${compiler} is not installed` : String(error.stderr)
  }
}

/** @param all for every processor that there is a cross compiler for, else for this machine's. */
export function buildNative({ all }) {
  if (process.platform !== 'linux' || !(process.arch in flagsOf) || !existsSync(source)) return
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex')
  for (const arch of Object.keys(flagsOf)) {
    const isOwn = arch === process.arch
    if (!isOwn && !all) continue
    const missing = compile(arch, isOwn ? 'cc' : crossCompilers[arch], hash)
    if (missing !== null) {
      console.error(`no CRC-32C library for ${arch}, checksums are slower there: ${missing}`)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  buildNative({ all: process.argv.includes('--all') })
}
