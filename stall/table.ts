import type { Answers } from './answers.ts'

/** The measurements of one case. */
export interface Row {
  readonly title: string
  /** Size of the requests. */
  readonly bytes: number
  /** The longest wait of the other client. */
  readonly waitMs: number
  /** Time until the last answer. */
  readonly tookMs: number
  readonly answers: Answers
  /** Whether the answers contain the error codes that the case expects. */
  readonly isAsExpected: boolean
  readonly memory: { readonly before: number; readonly highest: number; readonly after: number }
  /** The load average per processor over the last minute, at the end of the case. */
  readonly load: number
  readonly reason: string | null
}

const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0)

/** Formats the rows as Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ title, bytes, waitMs, tookMs, answers, memory, load, reason }) => {
    const codes = [...answers].map(([name, count]) => `${count} ${name}`).join(', ')
    const held = [memory.before, memory.highest, memory.after].map(megabytes).join(', ')
    const size = bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KB` : `${megabytes(bytes)} MB`
    const note = reason === null ? '' : reason
    return `| ${title} | ${size} | ${waitMs.toFixed(0)} | ${tookMs.toFixed(0)} | ${codes} | ${held} | ${load.toFixed(1)} | ${note} |`
  })
  return [...head, ...lines].join('\n')
}

const head = [
  '| Request | Size | Longest wait of others, ms | Answered after, ms | Answers | Memory before, after, later, MB | Load | Reason |',
  '| --- | --- | --- | --- | --- | --- | --- | --- |',
]

/** Replaces the rows of a table by new ones with the same title, in the order of `titles`. */
export function merged(old: string, measured: string, titles: readonly string[]): string {
  const rows = new Map<string, string>()
  for (const line of [...old.split('\n'), ...measured.split('\n')]) {
    const title = /^\| (.*?) \|/.exec(line)?.[1]
    if (title !== undefined && titles.includes(title)) rows.set(title, line)
  }
  return [...head, ...titles.flatMap((title) => rows.get(title) ?? [])].join('\n')
}
