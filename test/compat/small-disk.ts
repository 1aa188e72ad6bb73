import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What can befall a disk: no room, nothing may be written any more, nothing can be read either. */
export type Ailment = 'ENOSPC' | 'EROFS' | 'EIO'

/** Shuts a file system down, after what is in memory was written: whatever is asked of it then fails. */
const shutDown = `
  use Fcntl;
  sysopen(my $top, $ARGV[0], O_RDONLY | O_DIRECTORY) or die $!;
  my $how = pack("I", 0);
  ioctl($top, 0x8004587D, $how) or die $!;`

/** A file system of its own (ext4 in a file) that can be made to fail, and to work again. */
export class SmallDisk {
  /** Where it is mounted. */
  readonly path: string
  readonly #image: string
  readonly #ballast: string
  #isMounted = false

  /** @param root a directory for its image and for the place where it is mounted. */
  constructor(root: string, megabytes: number) {
    this.path = join(root, 'disk')
    this.#image = join(root, 'image')
    this.#ballast = join(this.path, 'ballast')
    mkdirSync(this.path, { recursive: true })
    writeFileSync(this.#image, '')
    truncateSync(this.#image, megabytes * 1024 * 1024)
    // No blocks kept for root, which is who runs this: a full disk must be full.
    run('mkfs.ext4', '-q', '-F', '-m', '0', this.#image)
    this.#mount()
  }

  fail(ailment: Ailment): void {
    run('sync', '-f', this.path)
    if (ailment === 'EROFS') run('mount', '-o', 'remount,abort', this.path)
    else if (ailment === 'EIO') run('perl', '-e', shutDown, this.path)
    else this.#fill()
  }

  /** Makes it whole; after EROFS and EIO nobody may have a file of it open. */
  heal(ailment: Ailment): void {
    if (ailment === 'ENOSPC') return rmSync(this.#ballast)
    this.#unmount()
    this.#mount()
  }

  close(): void {
    this.#unmount()
    rmSync(this.#image, { force: true })
  }

  /** More than once: what was set aside for metadata, and not needed, is free again after a sync. */
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

/** Why there can be no such disk here, or null. */
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
