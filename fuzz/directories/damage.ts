import type { Disk } from '../../src/storage/disk.ts'

/** A data directory in memory: the bytes of each file by its path relative to the directory. */
export type Files = ReadonlyMap<string, Buffer>

/** One change to a file: its kind, the file and the position. */
export interface Damage {
  readonly kind: Kind
  readonly path: string
  readonly position: number
  readonly argument: number
}

export interface Damages {
  /**
   * Whether the broker was killed: without its clean shutdown file, a start checks all unsynced
   * data.
   */
  readonly isKilled: boolean
  readonly all: readonly Damage[]
}

export const cleanMark = '.kafka_cleanshutdown'
const edges = [-1, -2, 0, 1, 13, 14, 48, 49, 0x7fff, 0xffff, 0xffffff, 0x7fffffff, -0x80000000]
const opBytes = 8
const opsMax = 3

const rubbish = (count: number, seed: number) =>
  Buffer.from(Array.from({ length: count }, (_, i) => ((seed + i) * 2654435761) >>> 16))

/** Changes the files; the damaged one comes first. */
type Change = (files: Map<string, Buffer>, damage: Damage) => void

const edit =
  (change: (bytes: Buffer, position: number, argument: number) => Buffer): Change =>
  (files, { path, position, argument }) => {
    files.set(path, change(Buffer.from(files.get(path)!), position, argument))
  }
const otherOf = (files: Map<string, Buffer>, { path, argument }: Damage) => {
  // Usually a file of the same kind: a segment in place of another.
  const end = path.slice(path.lastIndexOf('.'))
  const alike = [...files.keys()].filter((one) => one !== path && one.endsWith(end)).sort()
  const others = argument % 4 === 0 || alike.length === 0 ? [...files.keys()].sort() : alike
  return others[argument % others.length]!
}

const changes = {
  flip: edit((bytes, at, argument) => {
    if (bytes.length > 0) bytes[at]! ^= 1 << (argument & 7)
    return bytes
  }),
  edge: edit((bytes, at, argument) => {
    if (bytes.length >= 4) {
      bytes.writeInt32BE(edges[argument % edges.length]!, Math.min(at, bytes.length - 4))
    }
    return bytes
  }),
  cut: edit((bytes, at) => bytes.subarray(0, at)),
  zeros: edit((bytes, _, argument) => Buffer.concat([bytes, Buffer.alloc(1 + (argument % 5000))])),
  rubbish: edit((bytes, _, argument) =>
    Buffer.concat([bytes, rubbish(1 + (argument % 300), argument)]),
  ),
  'zeros within': edit((bytes, at, argument) =>
    bytes.fill(0, at, Math.min(bytes.length, at + 1 + (argument % 200))),
  ),
  'rubbish within': edit((bytes, at, argument) => {
    rubbish(1 + (argument % 60), argument).copy(bytes, at)
    return bytes
  }),
  'cut out': edit((bytes, at, argument) =>
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (argument % 100))]),
  ),
  twice: edit((bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes])),
  empty: edit(() => Buffer.alloc(0)),
  delete: (files, { path }) => void files.delete(path),
  'delete segment': (files, { path }) => {
    // For a file that is not part of a segment: deletes that file alone.
    const stem = /^.*\/\d{20}\./.exec(path)?.[0] ?? path
    for (const one of [...files.keys()]) if (one.startsWith(stem)) files.delete(one)
  },
  'delete directory': (files, { path }) => {
    const parent = path.slice(0, path.indexOf('/') + 1)
    for (const one of [...files.keys()])
      if (parent !== '' && one.startsWith(parent)) files.delete(one)
  },
  swap: (files, damage) => {
    const other = otherOf(files, damage)
    const [mine, theirs] = [files.get(damage.path)!, files.get(other)!]
    files.set(damage.path, theirs).set(other, mine)
  },
  rename: (files, damage) => {
    const other = otherOf(files, damage)
    files.set(other, files.get(damage.path)!)
    files.delete(damage.path)
  },
} satisfies Record<string, Change>

export type Kind = keyof typeof changes
export const kinds = Object.keys(changes) as Kind[]
/** Kept inputs rely on the kinds of their time; this kind was added later. */
const firstKinds = kinds.filter((kind) => kind !== 'delete segment')
const kindOf = (byte: number): Kind =>
  byte >= 252 ? 'delete segment' : firstKinds[byte % firstKinds.length]!

/** Decodes any bytes as a sequence of damages, so that a mutated input yields other damages. */
export function damagesOf(input: Buffer, files: Files): Damages {
  const paths = [...files.keys()].filter((path) => path !== cleanMark).sort()
  const all: Damage[] = []
  for (let at = 1; at + opBytes <= input.length && all.length < opsMax; at += opBytes) {
    const kind = kindOf(input[at]!)
    const path = paths[input.readUInt16BE(at + 1) % paths.length]!
    const { length } = files.get(path)!
    // The position is near the front of the file, where the structure is, or anywhere.
    const share = input.readUInt16BE(at + 3) / 0x10000
    const span = (input[at + 5]! & 1) === 0 ? length : Math.min(length, 100)
    all.push({
      ...{ kind, path, position: Math.floor(share * span) },
      argument: input.readUInt16BE(at + 6),
    })
  }
  return { isKilled: ((input[0] ?? 0) & 1) === 1, all }
}

export function damaged(files: Files, { isKilled, all }: Damages): Map<string, Buffer> {
  const changed = new Map(files)
  if (isKilled) changed.delete(cleanMark)
  for (const damage of all) {
    // An earlier damage may have deleted the file.
    if (changed.has(damage.path)) changes[damage.kind](changed, damage)
  }
  return changed
}

export async function readFiles(disk: Disk, dir: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const look = async (below: string) => {
    for (const { name, isDirectory } of (await disk.list(`${dir}${below}`)) ?? []) {
      if (isDirectory) await look(`${below}/${name}`)
      else files.set(`${below}/${name}`.slice(1), (await disk.readFile(`${dir}${below}/${name}`))!)
    }
  }
  await look('')
  return files
}

export async function writeFiles(disk: Disk, dir: string, files: Files): Promise<void> {
  await disk.makeDirectory(dir)
  for (const [path, bytes] of files) {
    const full = `${dir}/${path}`
    await disk.makeDirectory(full.slice(0, full.lastIndexOf('/')))
    await disk.writeFileAtomically(full, bytes, false)
  }
}

export const shown = ({ isKilled, all }: Damages) =>
  [
    isKilled ? 'killed' : 'stopped',
    ...all.map(({ kind, path, position, argument }) => `${kind} ${path} ${position} ${argument}`),
  ].join('; ')
