import { expect, test } from 'vitest'
import { TopicHashes } from '../../../src/coordinator/group/consumer/topic-hash.ts'
import { Topics } from './groups.ts'

/** Ids and hashes from records of Apache Kafka 4.4.0 (`golden/data-dir`). */
test('a group of topics has the hash that Apache Kafka gives it', () => {
  const topics = new Topics()
  topics.add('t', 2, '9_JW0W0IQa6H2T4pN7eEKw')
  topics.add('c', 1, '5dPVebUKR5CzhhsEB3V77w')
  const hashes = new TopicHashes(topics)
  expect(hashes.ofGroup(['t'])).toBe(-5724830529564525613n)
  expect(hashes.ofGroup(['t', 'c'])).toBe(-2828039679048173789n)
  expect(hashes.ofGroup(['t', 'no such topic'])).toBe(-5724830529564525613n)
  expect(hashes.ofGroup([])).toBe(0n)
})
