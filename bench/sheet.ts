import type { TargetName } from '../test/compat/targets.ts'
import type { CpuPerGb } from './load.ts'
import type { Row, Table } from './report.ts'

/** Numbers by broker and by row, in the order of the rows' first appearance. */
export class Sheet {
  readonly #rows = new Map<string, Row & Record<TargetName, number[]>>()

  note(name: TargetName, what: string, unit: string, value: number): void {
    const row = this.#rows.get(what) ?? { what, unit, odradek: [], kafka: [] }
    row[name].push(value)
    this.#rows.set(what, row)
  }

  noteCpu(name: TargetName, what: string, { user, system }: CpuPerGb): void {
    this.note(name, `${what}, broker CPU`, 's/GB', user + system)
    this.note(name, `${what}, of it in the kernel`, 's/GB', system)
  }

  /** What was noted of a broker in a row. */
  values(name: TargetName, what: string): readonly number[] {
    return this.#rows.get(what)?.[name] ?? []
  }

  table(title: string): Table {
    return { title, rows: [...this.#rows.values()] }
  }
}
