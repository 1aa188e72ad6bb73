import { beforeEach, expect, test } from 'vitest'
import type { ApiError } from '../../src/protocol/errors.ts'
import { rotated, type SharedPartition, ShareSessions } from '../../src/share/share-sessions.ts'

const [p0, p1, p2] = [0, 1, 2].map((partition) => ({ topicId: 't', partition }))
const a = { groupId: 'g', memberId: 'a', connectionId: 'connection-a' }
const b = { groupId: 'g', memberId: 'b', connectionId: 'connection-b' }
const nothing = { errorCode: 0, recordBytes: 0 }

let ended: unknown[]
let sessions: ShareSessions
beforeEach(() => {
  ended = []
  sessions = new ShareSessions(2, {
    memberLeft: (_, memberId, partitions) => ended.push([memberId, indexesOf(partitions)]),
    groupLeft: (groupId) => ended.push(groupId),
  })
})

const indexesOf = (partitions: readonly SharedPartition[]) =>
  partitions.map(({ partition }) => partition)
const errorOf = (work: () => unknown) => {
  try {
    work()
    return 'NONE'
  } catch (error) {
    return (error as ApiError).reason
  }
}
const fetch = (
  epoch: number,
  asked: readonly SharedPartition[] = [],
  forgotten: readonly SharedPartition[] = [],
  owner = a,
) => sessions.contextOf(owner, epoch, asked, forgotten, false)

test('a session remembers what its requests add and forget', () => {
  expect(indexesOf(fetch(0, [p0!, p1!]).partitions)).toEqual([0, 1])
  expect(indexesOf(fetch(1, [p2!]).partitions)).toEqual([0, 1, 2])
  expect(indexesOf(fetch(2, [], [p1!]).partitions)).toEqual([0, 2])
  expect(errorOf(() => fetch(2))).toBe('INVALID_SHARE_SESSION_EPOCH')
  expect(errorOf(() => fetch(1, [], [], b))).toBe('SHARE_SESSION_NOT_FOUND')
  expect(indexesOf(fetch(0, [p1!]).partitions)).toEqual([1])
})

test('a response names partitions with records, with errors, and new ones', () => {
  expect(fetch(0, [p0!, p1!]).names(p0!, nothing)).toBe(true)
  const second = fetch(1, [p2!])
  expect([p0!, p1!, p2!].map((one) => second.names(one, nothing))).toEqual([false, false, true])
  const third = fetch(2)
  expect(third.names(p2!, nothing)).toBe(false)
  expect(third.names(p0!, { ...nothing, recordBytes: 1 })).toBe(true)
  expect(third.names(p1!, { ...nothing, errorCode: 3 })).toBe(true)
  const fourth = fetch(3)
  expect(indexesOf(fourth.partitions)).toEqual([1, 2, 0])
  expect(fourth.names(p1!, nothing)).toBe(true)
})

test('acknowledgements count in the same epochs, and never open a session', () => {
  expect(errorOf(() => sessions.acknowledging(a, 0))).toBe('INVALID_SHARE_SESSION_EPOCH')
  expect(errorOf(() => sessions.acknowledging(a, -1))).toBe('SHARE_SESSION_NOT_FOUND')
  fetch(0, [p0!])
  sessions.acknowledging(a, 1)
  expect(indexesOf(fetch(2).partitions)).toEqual([0])
  expect(errorOf(() => sessions.contextOf(a, 0, [p0!], [], true))).toBe('INVALID_REQUEST')
  sessions.acknowledging(a, -1)
  expect(indexesOf(sessions.end(a))).toEqual([0])
  expect(errorOf(() => sessions.end(a))).toBe('SHARE_SESSION_NOT_FOUND')
})

test('their number is limited; a member may replace its own', () => {
  fetch(0, [p0!])
  fetch(0, [p0!], [], b)
  const c = { ...a, memberId: 'c' }
  expect(errorOf(() => fetch(0, [p0!], [], c))).toBe('SHARE_SESSION_LIMIT_REACHED')
  expect(errorOf(() => fetch(0, [p1!]))).toBe('NONE')
})

test('a session ends with its connection, the group with its last session', () => {
  fetch(0, [p0!, p1!])
  fetch(0, [p1!], [], b)
  sessions.disconnected(a.connectionId)
  sessions.disconnected('unknown')
  expect(ended).toEqual([['a', [0, 1]]])
  sessions.end(b)
  sessions.disconnected(b.connectionId)
  expect(ended).toEqual([['a', [0, 1]], 'g'])
})

test('each epoch begins with another partition', () => {
  expect([0, 1, 2, 3].map((epoch) => rotated([1, 2, 3], epoch).join(''))).toEqual([
    '123',
    '231',
    '312',
    '123',
  ])
})
