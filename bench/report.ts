import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

/** The values of all rounds for each of the brokers; `before` is empty where it was not measured. */
export interface Row {
  readonly what: string
  readonly unit: string
  readonly odradek: readonly number[]
  readonly before: readonly number[]
  readonly kafka: readonly number[]
}

export interface Table {
  readonly title: string
  readonly rows: readonly Row[]
}

/** A table whose columns are not the two brokers: the values of all rounds in each. */
export interface Columns {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly {
    readonly what: string
    readonly unit: string
    /** By column. */
    readonly values: readonly (readonly number[])[]
  }[]
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2
}

function digits(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2).replace(/\.0+$/, '')
}

/** Formats values as "median (min to max)". */
function spread(values: readonly number[]): string {
  const range = `${digits(Math.min(...values))} to ${digits(Math.max(...values))}`
  return values.length > 1 ? `${digits(median(values))} (${range})` : digits(median(values))
}

function ratio(odradek: readonly number[], kafka: readonly number[]): string {
  const [ours, theirs] = [median(odradek), median(kafka)]
  return theirs === 0 ? (ours === 0 ? '1' : '-') : digits(ours / theirs)
}

export function renderTable({ title, rows }: Table): string {
  const hasBefore = rows.some(({ before }) => before.length > 0)
  const cellsOf = ({ what, unit, odradek, before, kafka }: Row) => [
    unit === '' ? what : `${what} (${unit})`,
    spread(odradek),
    ...(hasBefore ? [spread(before)] : []),
    spread(kafka),
    ratio(odradek, kafka),
    ...(hasBefore ? [ratio(before, kafka)] : []),
  ]
  const head = hasBefore
    ? ['', 'odradek', 'before', 'Apache Kafka', 'ratio', 'ratio before']
    : ['', 'odradek', 'Apache Kafka', 'ratio']
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows.map(cellsOf)]
  return [`### ${title}`, '', ...lines.map((cells) => `| ${cells.join(' | ')} |`), ''].join('\n')
}

export function renderColumns({ title, columns, rows }: Columns): string {
  const lines = [
    ['', ...columns],
    ['---', ...columns.map(() => '---:')],
    ...rows.map(({ what, unit, values }) => [`${what} (${unit})`, ...values.map(spread)]),
  ]
  return [`### ${title}`, '', ...lines.map((cells) => `| ${cells.join(' | ')} |`), ''].join('\n')
}

function firstMatch(file: string, pattern: RegExp): string | undefined {
  try {
    return pattern.exec(readFileSync(file, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Describes the machine in one line, with its Java if that matters. */
export function machine(withJava = true): string {
  const system = firstMatch('/etc/os-release', /^PRETTY_NAME="(.*)"/m) ?? process.platform
  const java = withJava
    ? `, ${execFileSync('java', ['--version'], { encoding: 'utf8' }).split('\n')[0]}`
    : ''
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const memoryGb = Math.round(totalmem() / 1e9)
  return `${cpus().length} x ${model}, ${memoryGb} GB, ${system}, Node ${process.version}${java}`
}
