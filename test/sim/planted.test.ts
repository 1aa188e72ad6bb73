import { expect, test } from 'vitest'
import { FaultDisk } from '../../src/sim/fault-disk.ts'
import type { File } from '../../src/storage/disk.ts'
import { crashCompaction } from './crash-compaction.ts'
import { crashLog, type MakeDisk } from './crash-log.ts'

/** Bugs of a log, simulated by a disk: the checkers must find all of them. */

/** Reports a write as done before it begins. */
class Hasty extends FaultDisk {
  override file(path: string): File {
    const file = super.file(path)
    const write = file.write.bind(file)
    let last = Promise.resolve()
    file.write = async (chunks, position) => {
      last = last.then(async () => {
        for (let i = 0; i < 20; i++) await Promise.resolve()
        await write(chunks, position)
      })
      last.catch(() => {})
    }
    return file
  }
}

/** Reports it in the same turn in which the write begins. */
class HastyAtOnce extends Hasty {
  override file(path: string): File {
    const file = super.file(path)
    const write = file.write.bind(file)
    file.write = (chunks, position) => {
      void write(chunks, position)
      return null
    }
    return file
  }
}

/** Writes an index entry for a batch one byte later: the index is ahead of the log. */
class Ahead extends FaultDisk {
  override writeFileAtomically(
    path: string,
    content: Uint8Array,
    durable?: boolean,
  ): Promise<void> {
    const bytes = Buffer.from(content)
    if (path.endsWith('.index') && bytes.length > 0) {
      bytes.writeInt32BE(bytes.readInt32BE(bytes.length - 4) + 1, bytes.length - 4)
    }
    return super.writeFileAtomically(path, bytes, durable)
  }
}

/** Removes the old segments before the new one is in place: without `.swap`. */
class Swapless extends FaultDisk {
  override async rename(from: string, to: string): Promise<void> {
    if (to.endsWith('.swap')) return
    if (!from.endsWith('.swap')) return super.rename(from, to)
    await super.rename(from.replace(/swap$/, 'cleaned'), to)
  }
}

async function firstFault(
  crash: (crashAt: number) => Promise<{ faults: string[]; hasEnded: boolean }>,
) {
  for (let crashAt = 1; ; crashAt++) {
    const { faults, hasEnded } = await crash(crashAt)
    if (faults.length > 0) return faults[0]
    if (hasEnded) return null
  }
}
const make =
  (Kind: typeof FaultDisk): MakeDisk =>
  (random) =>
    new Kind(random)

test.each([Hasty, HastyAtOnce])(
  'records acknowledged before they are written are missed: %o',
  async (Kind) => {
    expect(await firstFault((at) => crashLog(1, at, 'process', {}, make(Kind)))).toMatch(
      /was promised/,
    )
  },
)

test('an index that runs ahead of its log is noticed', async () => {
  expect(await firstFault((at) => crashLog(1, at, 'process', {}, make(Ahead)))).toMatch(
    /offset index entry|not what was appended/,
  )
})

test('a cleaned segment that takes its place in the wrong order is noticed', async () => {
  expect(await firstFault((at) => crashCompaction(1, at, 'process', make(Swapless)))).toMatch(
    /was promised/,
  )
})
