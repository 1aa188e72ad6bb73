import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

/** The house rules that a program can check. The limits may only get stricter. */
const root = resolve(import.meta.dirname, '..')
const fileLinesMax = 400
const functionLinesMax = 70
const columnsMax = 100

/** Levels from the bottom up: a folder may import itself and the folders listed. */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  machine: ['base'],
  protocol: ['base'],
  channel: ['base', 'protocol', 'security'],
  storage: ['base', 'protocol'],
  metadata: ['base', 'protocol', 'machine'],
  quorum: ['base', 'protocol', 'channel', 'storage', 'metadata'],
  coordinator: ['base', 'protocol', 'machine'],
  replication: ['base', 'protocol', 'machine', 'storage', 'metadata', 'quorum', 'coordinator'],
  security: ['base', 'protocol', 'metadata'],
  share: ['protocol'],
  server: [
    'channel',
    'base',
    'protocol',
    'machine',
    'storage',
    'metadata',
    'quorum',
    'coordinator',
    'replication',
    'security',
  ],
  cli: ['base', 'protocol', 'channel', 'storage', 'metadata', 'quorum', 'server', '.'],
  sim: [
    'base',
    'protocol',
    'machine',
    'channel',
    'storage',
    'metadata',
    'coordinator',
    'replication',
    'server',
  ],
  '.': ['server', 'base', 'metadata', 'protocol'],
}

/** Globals that only some files may use; `in` lists these files. */
const rooms: { readonly what: RegExp; readonly in: readonly string[] }[] = [
  {
    what: /\bDate\.now\(|\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(/,
    in: ['base/clock.ts'],
  },
  { what: /\bsetImmediate\b/, in: ['base/turns.ts'] },
  // Writes of one turn are gathered; waiting fetches are woken when a request has appended all
  // of its batches.
  { what: /\bnextTick\b/, in: ['server/send-queue.ts'] },
  { what: /\bqueueMicrotask\b/, in: ['storage/high-watermark.ts'] },
  { what: /\bimport\(/, in: ['base/koffi.ts', 'cli/main.ts', 'security/', 'server/config/'] },
  { what: /\bMath\.random\(|node:crypto/, in: ['base/random.ts', 'security/'] },
  {
    what: /from 'node:fs/,
    in: [
      'storage/node-disk.ts',
      'storage/node-file.ts',
      'storage/node-remove.ts',
      'storage/directory-lock.ts',
      'cli/',
      'server/config/',
    ],
  },
  {
    what: /from 'node:net'/,
    in: [
      'server/node-transport.ts',
      'server/tls-transport.ts',
      'server/tls-dialer.ts',
      'channel/node-dialer.ts',
    ],
  },
  // The real ones are chosen where a process is put together; everywhere else they are handed in.
  {
    what: /\b(systemClock|commandClock|systemRandom|allowAll|new NodeTransport|new NodeDialer|new NodeDisk)\b/,
    in: [
      'base/clock.ts',
      'base/random.ts',
      'security/authorizer.ts',
      'storage/node-disk.ts',
      'server/broker.ts',
      'server/config/authorizer-settings.ts',
      'server/assembly.ts',
      'cli/',
    ],
  },
  // A node reaches another one by messages only: the parts of a node meet where a process is put
  // together, and nowhere else.
  {
    what: /\b(MetadataController|ControllerPart)\b/,
    in: ['metadata/', 'server/controller/', 'server/controller-part.ts', 'server/assembly.ts'],
  },
  { what: /\bBrokerPart\b/, in: ['server/broker-part.ts', 'server/assembly.ts'] },
  { what: /\bimport\('koffi'\)|from 'koffi'/, in: ['base/koffi.ts'] },
  { what: /\bprocess\.(env|exit|argv|on\()/, in: ['cli/'] },
]

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesBelow(path) : path.endsWith('.ts') ? [path] : []
  })
}

const sources = filesBelow(join(root, 'src')).map((path) => ({
  path: relative(join(root, 'src'), path),
  text: readFileSync(path, 'utf8'),
}))

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '.')

/** Counts the lines of each function, method and arrow body by matching braces and indentation. */
function longFunctions(path: string, text: string): string[] {
  const lines = text.split('\n')
  const found: string[] = []
  lines.forEach((line, start) => {
    const opens =
      /^(\s*)(export )?(default )?(async )?function\b.*\{$/.exec(line) ??
      /^(\s*)(public |private |protected |static |override |async |get |set |\*)*[\w#]+\(.*\).*\{$/.exec(
        line,
      ) ??
      /^(\s*).*=> \{$/.exec(line)
    if (opens === null || /^\s*(if|for|while|switch|catch|else|describe)\b/.test(line)) return
    const end = lines.findIndex((other, i) => i > start && other.startsWith(`${opens[1]}}`))
    if (end - start + 1 > functionLinesMax) found.push(`${path}:${start + 1} ${end - start + 1}`)
  })
  return found
}

describe('the house is tidy', () => {
  test('imports only go down', () => {
    const wrong: string[] = []
    for (const { path, text } of sources) {
      for (const [, target] of text.matchAll(/from '(\.[^']+)'/g)) {
        const to = relative(join(root, 'src'), resolve(root, 'src', dirname(path), target!))
        const [from, into] = [folderOf(path), folderOf(to)]
        if (from !== into && !mayImport[from]?.includes(into)) wrong.push(`${path} -> ${to}`)
        if (!/\.(ts|json)$/.test(to)) wrong.push(`${path} -> ${to} (name the .ts file)`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('no file imports itself through others, not even types', () => {
    const imports = new Map(
      sources.map(({ path, text }) => [
        path,
        [...text.matchAll(/from '(\.[^']+)'/g)].map(([, target]) =>
          relative(join(root, 'src'), resolve(root, 'src', dirname(path), target!)),
        ),
      ]),
    )
    const circles: string[] = []
    const done = new Set<string>()
    const visit = (path: string, way: readonly string[]) => {
      const at = way.indexOf(path)
      if (at >= 0) circles.push([...way.slice(at), path].join(' -> '))
      if (at >= 0 || done.has(path)) return
      for (const next of imports.get(path) ?? []) visit(next, [...way, path])
      done.add(path)
    }
    for (const path of imports.keys()) visit(path, [])
    expect(circles).toEqual([])
  })

  test('files and functions stay small', () => {
    const long = sources.flatMap(({ path, text }) => {
      const lines = text.split('\n').length - 1
      return [...(lines > fileLinesMax ? [`${path} ${lines}`] : []), ...longFunctions(path, text)]
    })
    expect(long).toEqual([])
  })

  test('lines have at most 100 columns, except for strings and paths', () => {
    const long = sources.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, i) => {
        const isUnbreakable = /['"`/]/.test(line) && !/^\s*(\/\/|\*|\/\*\*)/.test(line)
        return line.length > columnsMax && !isUnbreakable ? [`${path}:${i + 1}`] : []
      }),
    )
    expect(long).toEqual([])
  })

  test('the clock, the dice, the disk, the network and the process have one room each', () => {
    const strayed: string[] = []
    for (const { path, text } of sources) {
      for (const room of rooms) {
        if (room.in.some((place) => path.startsWith(place))) continue
        text.split('\n').forEach((line, i) => {
          if (room.what.test(line) && !/^\s*(\/\/|\*|\/\*\*)/.test(line)) {
            strayed.push(`${path}:${i + 1} ${line.trim()}`)
          }
        })
      }
    }
    expect(strayed).toEqual([])
  })
})
