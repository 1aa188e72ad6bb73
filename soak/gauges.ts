import { readdirSync, readlinkSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { residentMb } from '../bench/measure.ts'

/** A broker's resources at one moment. */
export interface Gauges {
  /** Open descriptors of the process. */
  readonly descriptors: number
  /** Of these, removed files that still occupy disk space. */
  readonly removedFiles: number
  readonly residentMb: number
  /** Used space of the file system with the data directory, as in `df`. */
  readonly usedMb: number
}

export type Gauge = keyof Gauges

export function gaugesOf(pid: number, dataDir: string): Gauges {
  const folder = `/proc/${pid}/fd`
  const descriptors = readdirSync(folder)
  const removedFiles = descriptors.filter((name) => {
    try {
      return readlinkSync(join(folder, name)).endsWith(' (deleted)')
    } catch {
      return false // The descriptor was closed in the meantime.
    }
  })
  const { bsize, blocks, bfree } = statfsSync(dataDir)
  return {
    descriptors: descriptors.length,
    removedFiles: removedFiles.length,
    residentMb: residentMb(pid).nowMb,
    usedMb: ((blocks - bfree) * bsize) / 1e6,
  }
}

/**
 * The permitted growth from the second fifth of a run to its last: a share, and a minimum amount.
 */
const growthMax: Readonly<Record<Gauge, { readonly share: number; readonly atLeast: number }>> = {
  descriptors: { share: 0.1, atLeast: 10 },
  removedFiles: { share: 0.1, atLeast: 5 },
  residentMb: { share: 0.15, atLeast: 15 },
  usedMb: { share: 0.1, atLeast: 10 },
}

const medianOf = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!

export interface Verdict {
  readonly gauge: Gauge
  readonly early: number
  readonly late: number
  readonly highest: number
  readonly isFlat: boolean
}

/** Compares the medians of the second and the last fifth; the first fifth is warm-up. */
export function verdicts(samples: readonly Gauges[]): Verdict[] {
  const fifth = Math.floor(samples.length / 5)
  return (Object.keys(growthMax) as Gauge[]).map((gauge) => {
    const values = samples.map((one) => one[gauge])
    const early = medianOf(values.slice(fifth, 2 * fifth))
    const late = medianOf(values.slice(-fifth))
    const { share, atLeast } = growthMax[gauge]
    const isFlat = late - early <= Math.max(early * share, atLeast)
    return { gauge, early, late, highest: Math.max(...values), isFlat }
  })
}
