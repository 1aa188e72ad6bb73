import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Failures of a disk: full, read-only, neither readable nor writable. */
export type Ailment = 'ENOSPC' | 'EROFS' | 'EIO'

/** Shuts a file system down after writing its cached data: every later access fails. */
const shutDown = `
  use Fcntl;
  sysopen(my $top, $ARGV[0], O_RDONLY | O_DIRECTORY) or die $!;
  my $how = pack("I", 0);
  ioctl($top, 0x8004587D, $how) or die $!;`

/** A file system (ext4 in a file) that can be made to fail, and to work again. */
export class SmallDisk {
  /** Its mount point. */
  readonly path: string
  readonly #image: string
  readonly #ballast: string
  #isMounted = false

  /** @param root a directory for its image and its mount point. */
  constructor(root: string, megabytes: number) {
    this.path = join(root, 'disk')
    this.#image = join(root, 'image')
    this.#ballast = join(this.path, 'ballast')
    mkdirSync(this.path, { recursive: true })
    writeFileSync(this.#image, '')
    truncateSync(this.#image, megabytes * 1024 * 1024)
    // No blocks reserved for root, who runs this: a full disk must be full.
    run('mkfs.ext4', '-q', '-F', '-m', '0', this.#image)
    this.#mount()
  }

  fail(ailment: Ailment): void {
    run('sync', '-f', this.path)
    if (ailment === 'EROFS') run('mount', '-o', 'remount,abort', this.path)
    else if (ailment === 'EIO') run('perl', '-e', shutDown, this.path)
    else this.#fill()
  }

  /** Repairs it; after EROFS and EIO no file of it may be open. */
  heal(ailment: Ailment): void {
    if (ailment === 'ENOSPC') return rmSync(this.#ballast)
    this.#unmount()
    this.#mount()
  }

  close(): void {
    this.#unmount()
    rmSync(this.#image, { force: true })
  }

  /** Repeated, because blocks reserved for metadata become free after a sync. */
  #fill(): void {
    for (let i = 0; i < 5 && statfsSync(this.path).bavail > 0; i++) this.#append()
  }

  #append(): void {
    const chunk = Buffer.alloc(64 * 1024)
    for (;;) {
      try {
        writeFileSync(this.#ballast, chunk, { flag: 'a' })
      } catch (error) {
        if ((error as { code?: string }).code === 'ENOSPC') break
        throw error
      }
    }
    run('sync', '-f', this.path)
  }

  #mount(): void {
    run('mount', '-o', 'loop,errors=remount-ro', this.#image, this.path)
    this.#isMounted = true
  }

  #unmount(): void {
    if (!this.#isMounted) return
    run('umount', this.path)
    this.#isMounted = false
  }
}

/** The reason why there can be no such disk here, or null. */
export function smallDiskMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'they take root on Linux'
  const root = mkdtempSync(join(tmpdir(), 'small-disk-'))
  try {
    const disk = new SmallDisk(root, 8)
    try {
      disk.fail('EIO')
    } finally {
      disk.close()
    }
    return null
  } catch (error) {
    return `no file system can be mounted: ${String(error).split('\n')[0]}`
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'pipe', timeout: 30_000 })
}
