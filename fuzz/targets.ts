import { broker } from './broker.ts'
import { captures } from './captures.ts'
import { directories } from './directories/target.ts'
import { textFiles } from './files.ts'
import { frames, requests, responses, storedRecords } from './messages.ts'
import { batches, controls, decompressors, produced } from './records.ts'
import type { Target } from './target.ts'

export const targets: readonly Target[] = [
  frames,
  requests,
  responses,
  storedRecords,
  batches,
  produced,
  controls,
  ...decompressors,
  textFiles,
  captures,
  directories,
  broker,
]
