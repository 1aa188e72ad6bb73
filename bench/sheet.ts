import type { CpuPerGb } from './load.ts'
import type { Row, Table } from './report.ts'
import type { Side } from './target.ts'

/** Values by broker and row; rows keep the order in which they first appeared. */
export class Sheet {
  readonly #rows = new Map<string, Row & Record<Side, number[]>>()

  note(name: Side, what: string, unit: string, value: number): void {
    const row = this.#rows.get(what) ?? { what, unit, odradek: [], before: [], kafka: [] }
    row[name].push(value)
    this.#rows.set(what, row)
  }

  noteCpu(name: Side, what: string, { user, system }: CpuPerGb): void {
    this.note(name, `${what}, broker CPU`, 's/GB', user + system)
    this.note(name, `${what}, of it in the kernel`, 's/GB', system)
  }

  /** Returns a broker's values in a row. */
  values(name: Side, what: string): readonly number[] {
    return this.#rows.get(what)?.[name] ?? []
  }

  table(title: string): Table {
    return { title, rows: [...this.#rows.values()] }
  }
}
