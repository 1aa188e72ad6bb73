import type { Assign } from './assignor.ts'
import { assignRange } from './range.ts'
import { assignUniform } from './uniform.ts'

/** The supported assignors, by their name in settings and requests. */
export const assignors: ReadonlyMap<string, Assign> = new Map([
  ['uniform', assignUniform],
  ['range', assignRange],
])
