import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { projectRoot } from '../test/compat/project-root.ts'

/** The measurements of a client that sends a request each millisecond. */
export interface Seen {
  /** The longest wait for an answer, in ms. */
  readonly worstMs: number
  readonly count: number
  /** The largest delay in ms of the client's own timer: the machine's share of the wait. */
  readonly ownMs: number
}

/**
 * The client of `heartbeat.mjs`, in its own process, so that the sender of large requests does not
 * delay it.
 */
export class Heartbeat {
  private readonly child: ChildProcess

  constructor(port: number) {
    this.child = fork(join(projectRoot, 'stall', 'heartbeat.mjs'), [String(port)])
  }

  async during(work: () => Promise<void>): Promise<Seen> {
    await this.tell('begin')
    await work()
    return (await this.tell('end')) as Seen
  }

  close(): void {
    this.child.kill()
  }

  private async tell(what: string): Promise<unknown> {
    const told = once(this.child, 'message')
    this.child.send(what)
    const [answer] = await told
    if ('failed' in answer) throw new Error(`the heartbeat client failed: ${answer.failed}`)
    return answer
  }
}
