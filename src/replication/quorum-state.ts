import { zeroUuid } from '../protocol/schema.ts'
import type { Disk } from '../storage/disk.ts'

/** What a voter must remember of elections (`QuorumStateData`, written as JSON). */
export interface QuorumState {
  readonly leaderId: number
  readonly leaderEpoch: number
}

const fileName = 'quorum-state'

/** null where no election was ever held. @throws SyntaxError for a file that is no JSON. */
export async function readQuorumState(disk: Disk, dir: string): Promise<QuorumState | null> {
  const content = await disk.readFile(`${dir}/${fileName}`)
  if (content === null) return null
  const { leaderId, leaderEpoch } = JSON.parse(content.toString('utf8')) as QuorumState
  return { leaderId, leaderEpoch }
}

/**
 * Version 0 with the static voters of `controller.quorum.voters` (kraft.version 0), else version 1:
 * the log says who votes.
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
