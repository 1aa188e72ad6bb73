import { endlessTurn, mapInTurns, type Turns } from '../base/turns.ts'
import type { Disk } from './disk.ts'

/**
 * Names of Kafka's checkpoint files. Format: a line with the version, a line with the number of
 * rows, then one line per row with columns separated by blanks.
 */
export const recoveryPointFile = 'recovery-point-offset-checkpoint'
export const highWatermarkFile = 'replication-offset-checkpoint'
export const logStartOffsetFile = 'log-start-offset-checkpoint'
export const cleanerOffsetFile = 'cleaner-offset-checkpoint'

const version = '0'

/** Parses the rows of a checkpoint; returns null if the text is truncated or of another version. */
export function parseCheckpoint(text: string, columns: number): string[][] | null {
  // Without the final line end the last number may be truncated and still look valid.
  if (!text.endsWith('\n')) return null
  const [first, count, ...lines] = text.trimEnd().split('\n')
  if (first !== version || count !== String(lines.length)) return null
  const rows = lines.map((line) => line.trim().split(/\s+/))
  return rows.every((row) => row.length === columns) ? rows : null
}

export function writeCheckpoint(rows: readonly string[]): string {
  return `${[version, rows.length, ...rows].join('\n')}\n`
}

/**
 * A checkpoint with one offset per partition, as lines of `topic partition offset`. The keys are
 * partition names such as `topic-3`.
 */
export class OffsetCheckpoint {
  private readonly disk: Disk
  private readonly path: string
  /** The content of the file, so that an unchanged checkpoint is not written again. */
  private written: string | null = null

  constructor(disk: Disk, path: string) {
    this.disk = disk
    this.path = path
  }

  /**
   * Reads the offset of each partition.
   *
   * @throws MalformedCheckpoint if the file exists but is not a valid checkpoint.
   */
  async read(): Promise<Map<string, number>> {
    const text = (await this.disk.readFile(this.path))?.toString('utf8') ?? ''
    // Kafka creates the file empty when it starts and writes it when there is an offset to store.
    if (text === '') return new Map()
    const rows = parseCheckpoint(text, 3)
    if (rows === null) throw new MalformedCheckpoint(this.path)
    this.written = text
    return new Map(
      rows.map(([topic, partition, offset]) => [`${topic}-${partition}`, Number(offset)]),
    )
  }

  async write(
    offsets: Iterable<readonly [name: string, offset: number]>,
    turns: Turns = endlessTurn,
  ): Promise<void> {
    const rows = await mapInTurns(turns, [...offsets], ([name, offset]) => {
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
