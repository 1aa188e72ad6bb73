import { readFileSync } from 'node:fs'
import { batchesIn } from '../../protocol/records/batch.ts'
import type { AnyApi } from '../../protocol/schema.ts'
import type { DecodeArguments } from '../arguments.ts'
import { BadUsage } from '../bad-usage.ts'
import { isCapture, segmentsOf } from './capture.ts'
import { batchToJson, type Json } from './describe.ts'
import { recordReaderOf } from './log-file.ts'
import { fieldLines, frameToJson, frameToText } from './render.ts'
import { apiNamed, type Frame, framesOf, readRequest, readResponseOf } from './session.ts'
import { chunksOf } from './streams.ts'

const standardInput = 0
const logEndings = ['.log', '.checkpoint']

/**
 * `odradek decode`: prints the contents of a capture, of frames, or of a log file of Kafka.
 * @throws BadUsage for any other input.
 */
export async function runDecode(
  args: DecodeArguments,
  write: (text: string) => void,
): Promise<void> {
  const bytes = readInput(args.file)
  if (args.file !== null && logEndings.some((ending) => args.file?.endsWith(ending))) {
    for await (const batch of batchesOfLog(args.file, bytes)) {
      write(args.json ? `${JSON.stringify(batch)}\n` : `${batchText(batch)}\n`)
    }
    return
  }
  const frames = isCapture(bytes) ? framesOf(chunksOf(segmentsOf(bytes))) : looseFrames(bytes, args)
  for (const frame of frames) {
    write(
      args.json ? `${JSON.stringify(await frameToJson(frame))}\n` : `${await frameToText(frame)}\n`,
    )
  }
}

function readInput(file: string | null): Buffer {
  try {
    return readFileSync(file ?? standardInput)
  } catch (error) {
    throw new BadUsage(`cannot read ${file ?? 'standard input'}: ${(error as Error).message}`)
  }
}

async function* batchesOfLog(file: string, bytes: Buffer): AsyncGenerator<Json> {
  const readRecord = recordReaderOf(file) ?? undefined
  let end = 0
  for (const batch of batchesIn(bytes)) {
    yield await batchToJson(batch, readRecord)
    end = batch.end
  }
  if (end < bytes.length) yield { bytesLeft: bytes.length - end }
}

function batchText(batch: Json): string {
  const { records, ...header } = batch as { readonly [name: string]: Json }
  const words = Object.entries(header).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
  return [words.join(' '), ...(records === undefined ? [] : fieldLines({ records }, '  '))].join(
    '\n',
  )
}

/** Returns frames without connections: each line of hex is one input, else all bytes are. */
function looseFrames(bytes: Buffer, { response }: DecodeArguments): Frame[] {
  const asked = response === null ? null : apiAndVersion(response)
  return frameBytes(bytes).map((frame) =>
    asked === null ? readRequest(frame) : readResponseOf(asked.api, asked.version, frame),
  )
}

/** Parses `Fetch:12` or `1:12`. */
function apiAndVersion(text: string): { api: AnyApi; version: number } {
  const [name = '', version = ''] = text.split(':')
  const api = apiNamed(name)
  if (api === null) throw new BadUsage(`--response: Kafka has no request "${name}"`)
  const [least, most] = api.versions
  if (!/^\d+$/.test(version) || Number(version) < least || Number(version) > most) {
    throw new BadUsage(`--response ${api.name}:VERSION, a version from ${least} to ${most}`)
  }
  return { api, version: Number(version) }
}

function frameBytes(bytes: Buffer): Buffer[] {
  const text = bytes.toString('latin1')
  if (!/^[\s0-9a-fA-F:]*$/.test(text)) return cut(bytes)
  return text
    .split('\n')
    .map((line) => line.replace(/[^0-9a-fA-F]/g, ''))
    .filter((line) => line !== '')
    .flatMap((line) => {
      if (line.length % 2 === 1) throw new BadUsage('a line of hex has half a byte')
      return cut(Buffer.from(line, 'hex'))
    })
}

/** Splits length-prefixed frames; bytes without a valid length prefix are one frame. */
function cut(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = []
  let at = 0
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readInt32BE(at)
    if (end <= at + 4 || end > bytes.length) break
    frames.push(bytes.subarray(at + 4, end))
    at = end
  }
  return at === bytes.length ? frames : [...frames, bytes.subarray(at)]
}
