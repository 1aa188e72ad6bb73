import type { QuorumMembers } from '../metadata/image.ts'
import { decodeData, encodeData } from '../protocol/codec.ts'
import { Reader } from '../protocol/reader.ts'
import { type ControlRecord, controlTypes } from '../protocol/records/control.ts'
import { Malformed } from '../protocol/schema.ts'
import { kRaftVersionRecord } from '../protocol/stored/raft/k-raft-version-record.ts'
import { votersRecord } from '../protocol/stored/raft/voters-record.ts'
import type { ReplicaKey } from './observers.ts'

export type VoterEndpoints = QuorumMembers['voters'][number]['endpoints']

/** Returns the members with the endpoints of one voter; the same members if it has them already. */
export function withEndpoints(
  members: QuorumMembers,
  { id, directoryId }: ReplicaKey,
  endpoints: VoterEndpoints,
): QuorumMembers {
  const isVoter = (one: QuorumMembers['voters'][number]) =>
    one.voterId === id && one.voterDirectoryId === directoryId
  const known = members.voters.find(isVoter)
  if (known === undefined || endpoints.length === 0) return members
  if (endpointsText(known.endpoints) === endpointsText(endpoints)) return members
  const voters = members.voters.map((one) => (isVoter(one) ? { ...one, endpoints } : one))
  return { ...members, voters }
}

const endpointsText = (endpoints: VoterEndpoints) =>
  endpoints
    .map(({ name, host, port }) => `${name}://${host}:${port}`)
    .toSorted()
    .join()

/** Returns the log's own records about voters; none with static voters. */
export function quorumRecords({ kraftVersion, voters }: QuorumMembers): ControlRecord[] {
  if (kraftVersion === 0) return []
  const version = { version: 0, kRaftVersion: kraftVersion }
  const records = [
    { type: controlTypes.kraftVersion, value: encodeData(kRaftVersionRecord, 0, version) },
  ]
  if (voters.length === 0) return records
  const value = encodeData(votersRecord, 0, { version: 0, voters })
  return [...records, { type: controlTypes.kraftVoters, value }]
}

/**
 * Returns the members after a control record, most of which do not change them.
 * @throws Malformed for a type that Kafka's raft layer does not know.
 */
export function withQuorumRecord(
  members: QuorumMembers,
  { type, value }: ControlRecord,
): QuorumMembers {
  const reader = new Reader(value)
  switch (type) {
    case controlTypes.kraftVersion:
      return { ...members, kraftVersion: decodeData(kRaftVersionRecord, 0, reader).kRaftVersion }
    case controlTypes.kraftVoters:
      return { ...members, voters: decodeData(votersRecord, 0, reader).voters }
    case controlTypes.leaderChange:
    case controlTypes.snapshotHeader:
    case controlTypes.snapshotFooter:
      return members
    default:
      throw new Malformed(`control record type ${type} in the metadata log`)
  }
}
