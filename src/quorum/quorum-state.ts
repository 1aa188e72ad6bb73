import { zeroUuid } from '../protocol/schema.ts'
import { DamagedFile } from '../storage/damaged-file.ts'
import type { Disk } from '../storage/disk.ts'

/** State of elections that a voter must store (Kafka's `QuorumStateData` as JSON). */
export interface QuorumState {
  readonly leaderId: number
  readonly leaderEpoch: number
}

const fileName = 'quorum-state'

/**
 * Reads the state; returns null if there has been no election.
 *
 * @throws DamagedFile if it is not in a version that Apache Kafka 4.4 accepts
 * (`FileQuorumStateStore`).
 */
export async function readQuorumState(disk: Disk, dir: string): Promise<QuorumState | null> {
  const path = `${dir}/${fileName}`
  const content = await disk.readFile(path)
  if (content === null) return null
  const { leaderId, leaderEpoch, data_version } = parse(path, content.toString('utf8'))
  if (data_version !== 0 && data_version !== 1) {
    throw new DamagedFile(path, `its data_version is ${data_version}, and not 0 or 1`)
  }
  if (!isInt32(leaderId) || !isInt32(leaderEpoch)) {
    throw new DamagedFile(path, 'it names no leaderId and leaderEpoch')
  }
  return { leaderId, leaderEpoch }
}

function parse(path: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Handled like any other invalid text.
  }
  throw new DamagedFile(path, 'it is no JSON object')
}

const isInt32 = (value: unknown): value is number =>
  Number.isInteger(value) && value === Math.trunc(value as number) >> 0

/**
 * Writes version 0 with static voters (`controller.quorum.voters`, kraft.version 0), else version
 * 1, with the voters in the log.
 */
export function writeQuorumState(
  disk: Disk,
  dir: string,
  { leaderId, leaderEpoch }: QuorumState,
  kraftVersion: number,
): Promise<void> {
  const content =
    kraftVersion === 0
      ? {
          clusterId: '',
          leaderId,
          leaderEpoch,
          votedId: -1,
          appliedOffset: 0,
          currentVoters: [{ voterId: leaderId }],
          data_version: 0,
        }
      : { leaderId, leaderEpoch, votedId: -1, votedDirectoryId: zeroUuid, data_version: 1 }
  return disk.writeFileAtomically(`${dir}/${fileName}`, Buffer.from(JSON.stringify(content)))
}
