import { broker } from './broker.ts'
import { captures } from './captures.ts'
import { directories } from './directories/target.ts'
import { textFiles } from './files.ts'
import { gate } from './gate.ts'
import { jwt, scram } from './logins.ts'
import { frames, requests, responses, storedRecords } from './messages.ts'
import { batches, controls, decompressors, produced } from './records.ts'
import { certificate, jaas, keyStores, mapping } from './security-files.ts'
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
  gate,
  scram,
  jwt,
  jaas,
  mapping,
  certificate,
  keyStores,
  directories,
  broker,
]
