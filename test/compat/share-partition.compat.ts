import { describe, expect, inject, test } from 'vitest'
import { newSeeds } from '../seeded.ts'
import { RandomCommands } from '../share/random-commands.ts'
import { lineOf, lineOfBeginning, Scripted } from '../share/scripted.ts'
import { compile, startJava } from './kafka/java.ts'
import { isLongForm } from './long-form.ts'

const partitions = isLongForm ? 5_000 : 500
const commands = 60
/** Commands and answers of Kafka's that a failure shows. */
const storyMax = 8

/**
 * Kafka's class breaks off in the middle of an acknowledgement that ends before the first batch in
 * flight; of an acquisition if an aborted batch begins there, if at the limit all that is read is
 * behind the end, or if records of a batch that was being stored are archived; and of any change if
 * the start offset stands in a gap behind a split batch. Ours goes on; such a partition is not
 * compared any further.
 */
const breaksOff = new RegExp(
  [
    '^NullPointerException',
    '^IllegalStateException.Batch_record_not_found',
    '^IllegalArgumentException.inconsistent_range',
    '^IllegalArgumentException.Existing_acquisition_lock_timeout_exists',
    ' stuck$',
  ].join('|'),
)

/** The same commands to our share partition and to Kafka's class of that name. */
describe.skipIf(inject('javaMissing') !== null)('share partitions', () => {
  const title = "do and answer what Kafka's SharePartition does (ODRADEK_SEED=%d)"
  test.each(newSeeds())(title, { timeout: 600_000 }, async (seed) => {
    const lines: string[] = []
    const ours: string[] = []
    for (let i = 0; i < partitions; i++) {
      const random = new RandomCommands(seed + i)
      const beginning = random.beginning()
      const scripted = new Scripted(beginning)
      lines.push(lineOfBeginning(beginning))
      ours.push(scripted.begun())
      for (let j = 0; j < commands; j++) {
        const command = random.next(scripted.partition)
        lines.push(lineOf(command))
        ours.push(scripted.answer(command))
      }
    }
    const extra = [await compile()]
    const java = startJava('kafka.server.share.SharePartitions', [], { classes: 'server', extra })
    java.child.stdin!.end(`${lines.join('\n')}\n`)
    const { stdout, code } = await java.end(500_000)
    expect(code, java.describe()).toBe(0)
    const theirs = stdout.trimEnd().split('\n')
    expect(theirs).toHaveLength(lines.length)
    let [compared, isOver] = [0, false]
    for (const [i, line] of lines.entries()) {
      if (line.startsWith('new')) isOver = false
      if (breaksOff.test(theirs[i]!)) isOver = true
      if (isOver) continue
      compared++
      if (ours[i] === theirs[i]) continue
      const from = Math.max(i - storyMax, lines.slice(0, i + 1).findLastIndex(isBeginning))
      const story = lines.slice(from, i + 1).map((one, j) => `${one}\n   ${theirs[from + j]}`)
      expect(ours[i], `after\n${story.join('\n')}`).toBe(theirs[i])
    }
    expect(compared).toBeGreaterThan(lines.length * 0.6)
  })
})

const isBeginning = (line: string) => line.startsWith('new ')
