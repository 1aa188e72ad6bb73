import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BadUsage } from '../src/cli/bad-usage.ts'
import { isCapture, segmentsOf } from '../src/cli/decode/capture.ts'
import { frameToText } from '../src/cli/decode/render.ts'
import { framesOf } from '../src/cli/decode/session.ts'
import { chunksOf } from '../src/cli/decode/streams.ts'
import { asPcapng } from '../test/cli/as-pcapng.ts'
import { projectRoot } from '../test/compat/project-root.ts'
import type { Target } from './target.ts'

const folder = join(projectRoot, 'test', 'golden', 'captures')

/** `odradek decode` of a capture: it must print any content, or reject it as no capture. */
export const captures: Target = {
  name: 'capture',
  seeds: () => {
    const files = ['kafkajs.pcap', 'java.pcap'].map((name) => readFileSync(join(folder, name)))
    return [...files, asPcapng(files[0]!)]
  },
  run: async (input) => {
    if (!isCapture(input)) return
    try {
      for (const frame of framesOf(chunksOf(segmentsOf(input)))) await frameToText(frame)
    } catch (error) {
      if (!(error instanceof BadUsage)) throw error
    }
  },
}
