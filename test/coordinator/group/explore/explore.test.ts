import { afterEach, describe, expect, test, vi } from 'vitest'
import { ClassicRebalance } from '../../../../src/coordinator/group/classic/classic-rebalance.ts'
import { ConsumerGroup } from '../../../../src/coordinator/group/consumer/consumer-group.ts'
import { ConsumerReconcile } from '../../../../src/coordinator/group/consumer/consumer-reconcile.ts'
import { ClassicWorld } from './classic-world.ts'
import { ConsumerWorld } from './consumer-world.ts'
import { explore, type World } from './explorer.ts'

/** `EXPLORE_STATES` sets a higher limit. */
const statesMax = Number(process.env.EXPLORE_STATES ?? 700)
const bounds = { depth: 20, statesMax }

const worlds: readonly (readonly [name: string, make: () => World])[] = [
  ['two classic members', () => new ClassicWorld([null, null])],
  ['a classic and a static member', () => new ClassicWorld(['i', null])],
  ['three classic members', () => new ClassicWorld([null, null, null])],
  ['two consumers', () => new ConsumerWorld([null, null])],
  ['a consumer and a static one', () => new ConsumerWorld(['i', null])],
  ['three consumers', () => new ConsumerWorld([null, null, null])],
]

describe('all interleavings of', () => {
  test.each(worlds)('%s keep what must hold', { timeout: 600_000 }, (name, make) => {
    const { states, transitions, depth } = explore(make, bounds)
    if (process.env.EXPLORE_STATES !== undefined) {
      process.stdout.write(`${name}: ${states} states, ${transitions} steps, depth ${depth}\n`)
    }
    expect(states).toBeGreaterThan(500)
  })
})

/** A checker is trusted only if it finds planted bugs. */
describe('a planted bug is found', () => {
  afterEach(() => void vi.restoreAllMocks())

  test('partitions are given to a member while another still has them', () => {
    vi.spyOn(ConsumerGroup.prototype, 'isHeld').mockReturnValue(false)
    expect(() => explore(() => new ConsumerWorld([null, null]), bounds)).toThrow(/own \d/)
  })

  test('parked requests are forgotten when a rebalance starts anew', () => {
    vi.spyOn(ClassicRebalance.prototype as any, 'dropAssignments').mockImplementation(() => {})
    expect(() => explore(() => new ClassicWorld([null, null]), bounds)).toThrow(/are parked|settle/)
  })

  test('a decision changes what only records may change', () => {
    const bump = ConsumerReconcile.prototype.bumpEpoch
    vi.spyOn(ConsumerReconcile.prototype, 'bumpEpoch').mockImplementation(function (
      this: ConsumerReconcile,
      group,
      ...rest
    ) {
      group.assignmentTimestampMs = 1
      bump.call(this, group, ...rest)
    })
    expect(() => explore(() => new ConsumerWorld([null, null]), bounds)).toThrow(/the log says/)
  })
})
