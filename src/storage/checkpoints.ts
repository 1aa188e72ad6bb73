import type { Disk } from './disk.ts'

/**
 * Kafka's checkpoint files: a version, the number of rows, and the rows, each a line of columns
 * parted by blanks.
 */
export const recoveryPointFile = 'recovery-point-offset-checkpoint'
export const highWatermarkFile = 'replication-offset-checkpoint'
export const logStartOffsetFile = 'log-start-offset-checkpoint'
export const cleanerOffsetFile = 'cleaner-offset-checkpoint'

const version = '0'

/** The rows of a checkpoint; null if the text is cut off or of another version. */
export function parseCheckpoint(text: string, columns: number): string[][] | null {
  // Without the last line's end a number may be cut short, and still look like one.
  if (!text.endsWith('\n')) return null
  const [first, count, ...lines] = text.trimEnd().split('\n')
  if (first !== version || count !== String(lines.length)) return null
  const rows = lines.map((line) => line.trim().split(/\s+/))
  return rows.every((row) => row.length === columns) ? rows : null
}

export function writeCheckpoint(rows: readonly string[]): string {
  return `${[version, rows.length, ...rows].join('\n')}\n`
}

/** An offset a partition: `topic partition offset` a line. Partitions are named `topic-3`. */
export class OffsetCheckpoint {
  private readonly disk: Disk
  private readonly path: string
  /** What stands in the file, so that it is not written again for nothing. */
  private written: string | null = null

  constructor(disk: Disk, path: string) {
    this.disk = disk
    this.path = path
  }

  /** @throws MalformedCheckpoint when the file is there but cannot be read as a checkpoint. */
  async read(): Promise<Map<string, number>> {
    const text = (await this.disk.readFile(this.path))?.toString('utf8') ?? ''
    // Kafka makes the file when it starts, and writes to it when there is something to say.
    if (text === '') return new Map()
    const rows = parseCheckpoint(text, 3)
    if (rows === null) throw new MalformedCheckpoint(this.path)
    this.written = text
    return new Map(
      rows.map(([topic, partition, offset]) => [`${topic}-${partition}`, Number(offset)]),
    )
  }

  async write(offsets: ReadonlyMap<string, number>): Promise<void> {
    const rows = [...offsets].map(([name, offset]) => {
      const dash = name.lastIndexOf('-')
      return `${name.slice(0, dash)} ${name.slice(dash + 1)} ${offset}`
    })
    const text = writeCheckpoint(rows)
    if (text === this.written) return
    await this.disk.writeFileAtomically(this.path, Buffer.from(text))
    this.written = text
  }
}

export class MalformedCheckpoint extends Error {
  override readonly name = 'MalformedCheckpoint'

  constructor(path: string) {
    super(`${path} is not a checkpoint of Kafka's format`)
  }
}
