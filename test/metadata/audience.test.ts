import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { endlessTurn, type Turns } from '../../src/base/turns.ts'
import { Audience } from '../../src/metadata/audience.ts'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import { MetadataController } from '../../src/metadata/metadata.ts'
import { metadataRecord } from '../../src/metadata/records.ts'
import { topicRecord } from '../../src/protocol/stored/metadata/02-topic-record.ts'
import { removeTopicRecord } from '../../src/protocol/stored/metadata/09-remove-topic-record.ts'
import { SteppedClock, settle } from '../coordinator/group/stepped-clock.ts'

/** Creates a controller whose log keeps nothing; returns it with its log lines. */
function controller(turns: Turns = endlessTurn) {
  let nextOffset = 0
  const lines: string[] = []
  const note = (message: string, fields?: object) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`)
  const clock = new SteppedClock()
  const metadata = new MetadataController({
    log: {
      get nextOffset() {
        return nextOffset
      },
      epoch: 1,
      isFollowedRemotely: false,
      leadAbove: () => Promise.resolve(),
      append: async (values) => void (nextOffset += values.length),
    },
    ...{
      image: emptyImage,
      settings: new BrokerSettings(new Map()),
      clock,
      random: systemRandom,
      turns,
    },
    logger: { ...silentLogger, warn: note, error: note },
  })
  const make = (name: string) =>
    metadata.submit(() => ({
      records: [metadataRecord(topicRecord, { name, topicId: name.padEnd(22, 'A') })],
      answer: name,
    }))
  /** The listeners of a broker that gets every image of the controller at once. */
  const broker = (name: string) => {
    const logger = { ...silentLogger, warn: note, error: note }
    const audience = new Audience({ name, image: emptyImage, clock, logger })
    metadata.listen(name, (image, changes) => audience.tell(image, changes))
    return audience
  }
  return { metadata, broker, clock, lines, make }
}

test('a listener that throws is named; the others are told, and the log goes on', async () => {
  const { metadata, lines, make } = controller()
  const told: string[] = []
  metadata.listen('the broken one', () => {
    throw new Error('a bug')
  })
  metadata.listen('the other', ({ topics }) => void told.push([...topics.keys()].sort().join()))
  expect(await make('t')).toBe('t')
  expect(await make('u')).toBe('u')
  expect(told).toEqual(['t', 't,u'])
  expect([...metadata.image.topics.keys()].sort()).toEqual(['t', 'u'])
  expect(lines).toHaveLength(2)
  expect(lines[0]).toContain('"listener":"the broken one"')
  expect(lines[0]).toContain('a bug')
  expect(lines.join()).not.toContain('cannot be written')
})

test('a slow listener holds up neither the others nor other brokers, and is named', async () => {
  const { broker, clock, lines, make } = controller()
  const told: string[] = []
  const releases: (() => void)[] = []
  const slow = broker('broker 2')
  const quick = broker('broker 1')
  slow.listen('partitions', async ({ topics }) => {
    await new Promise<void>((resolve) => releases.push(resolve))
    told.push(`slow ${[...topics.keys()].sort().join()}`)
  })
  slow.listen(
    'groups',
    ({ topics }) => void told.push(`groups ${[...topics.keys()].sort().join()}`),
  )
  quick.listen(
    'partitions',
    ({ topics }) => void told.push(`quick ${[...topics.keys()].sort().join()}`),
  )
  const made = [make('t'), make('u')]
  await settle()
  expect(told.sort()).toEqual(['groups t', 'groups t,u', 'quick t', 'quick t,u'])
  expect([...quick.image.topics.keys()].sort()).toEqual(['t', 'u'])
  expect([...slow.image.topics.keys()]).toEqual([])
  expect(await Promise.all(made)).toEqual(['t', 'u'])
  await clock.advance(10_000)
  expect(lines[0]).toContain('"of":"broker 2","listener":"partitions"')
  // A listener gets the images one after the other.
  expect(releases).toHaveLength(1)
  for (let i = 0; i < 2; i++) {
    releases[i]!()
    await settle()
  }
  expect(told.slice(4)).toEqual(['slow t', 'slow t,u'])
  expect([...slow.image.topics.keys()].sort()).toEqual(['t', 'u'])
})

test('images that arrive while a listener is busy reach it as one', async () => {
  const { metadata, broker, make } = controller()
  const told: string[] = []
  const releases: (() => void)[] = []
  const names = (topics: readonly { readonly name: string }[]) => topics.map(({ name }) => name)
  const follower = broker('broker 1')
  follower.listen('slow', async ({ topics }, { changed, deleted }) => {
    const all = [...topics.keys()].sort()
    told.push(`${all} +${names(changed).sort()} -${names(deleted)}`)
    await new Promise<void>((resolve) => releases.push(resolve))
  })
  const remove = (name: string) =>
    metadata.submit(() => ({
      records: [metadataRecord(removeTopicRecord, { topicId: name.padEnd(22, 'A') })],
      answer: name,
    }))
  const work = [make('t'), make('u'), make('v'), remove('t'), remove('v'), make('w'), make('v')]
  await settle()
  releases[0]!()
  await settle()
  // What it never saw is not told as deleted.
  expect(told).toEqual(['t +t -', 'u,v,w +u,v,w -t'])
  expect([...follower.image.topics.keys()]).toEqual(['t'])
  releases[1]!()
  await settle()
  expect([...follower.image.topics.keys()].sort()).toEqual(['u', 'v', 'w'])
  expect(await Promise.all(work)).toHaveLength(7)
})

test('commands that take turns are decided one after the other', async () => {
  const { metadata } = controller({ isOver: () => true, next: () => settle() })
  const steps: string[] = []
  const decide = (name: string) =>
    metadata.submit(function* () {
      for (let i = 0; i < 3; i++) {
        steps.push(name)
        yield
      }
      return { records: [], answer: undefined }
    })
  await Promise.all(['a', 'b', 'c'].map(decide))
  expect(steps.join('')).toBe('aaabbbccc')
})
