import type { Assign } from './assignor.ts'
import { assignRange } from './range.ts'
import { assignUniform } from './uniform.ts'

/** The assignors that this broker has, by the name that settings and members use. */
export const assignors: ReadonlyMap<string, Assign> = new Map([
  ['uniform', assignUniform],
  ['range', assignRange],
])
