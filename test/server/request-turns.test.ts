import { describe, expect, test } from 'vitest'
import { type Requester, RequestTurns } from '../../src/server/request-turns.ts'

/** A simulated loop: only requests take time, and the test ends each turn. */
function loop(o: { queuedMax?: number; bytesMax?: number } = {}) {
  let nowMs = 0
  const later: (() => void)[] = []
  const turns = new RequestTurns({
    queuedMax: o.queuedMax ?? 500,
    bytesMax: o.bytesMax ?? -1,
    monotonicMs: () => nowMs,
    soon: (run) => later.push(run),
  })
  const begun: string[] = []
  const begunAtMs: number[] = []
  const connection = (name: string, requestMs: number | (() => number), requests: number) => {
    let left = requests
    const requester: Requester = {
      mayBegin: () => left > 0,
      beginNext: () => {
        left--
        begunAtMs.push(nowMs)
        nowMs += typeof requestMs === 'number' ? requestMs : requestMs()
        begun.push(name)
      },
    }
    return { requester, add: (more: number) => (left += more) }
  }
  const turn = () => {
    for (const run of later.splice(0)) run()
  }
  return {
    turns,
    begun,
    begunAtMs,
    connection,
    turn,
    waits: () => later.length > 0,
    nowMs: () => nowMs,
  }
}

describe('the order in which connections begin their requests', () => {
  test('a heartbeat passes hundreds of connections with long requests', () => {
    const { turns, begun, begunAtMs, connection, turn, waits, nowMs } = loop()
    const heartbeat = connection('heartbeat', 0.1, 1)
    turns.ask(heartbeat.requester)
    while (waits()) turn()
    for (let i = 0; i < 200; i++) turns.ask(connection('long', 25, 3).requester)
    const waitsMs: number[] = []
    while (waits()) {
      const askedAtMs = nowMs()
      heartbeat.add(1)
      turns.ask(heartbeat.requester)
      const before = begun.length
      turn()
      const at = begun.indexOf('heartbeat', before)
      waitsMs.push((at < 0 ? nowMs() : begunAtMs[at]!) - askedAtMs)
    }
    expect(begun.filter((name) => name === 'long')).toHaveLength(600)
    expect(waitsMs.length).toBeGreaterThan(300)
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(25)
  })

  test('a new connection waits for no more than the new ones before it, and as many long ones', () => {
    const { turns, begun, connection, turn, waits } = loop()
    for (let i = 0; i < 100; i++) turns.ask(connection('long', 25, 10).requester)
    for (let i = 0; i < 200; i++) turn()
    const before = begun.length
    turns.ask(connection('new', 1, 1).requester)
    while (waits()) turn()
    expect(begun.indexOf('new', before) - before).toBeLessThanOrEqual(2)
  })

  test('short requests, however many, leave the others one a turn', () => {
    const { turns, begun, connection, turn, waits } = loop()
    const short = Array.from({ length: 100 }, () => connection('short', 1, 1))
    for (const one of short) turns.ask(one.requester)
    while (waits()) turn()
    const before = begun.length
    turns.ask(connection('long', 20, 30).requester)
    for (const one of short) {
      one.add(1000)
      turns.ask(one.requester)
    }
    for (let i = 0; i < 31; i++) turn()
    expect(begun.slice(before).filter((name) => name === 'long').length).toBeGreaterThanOrEqual(30)
  })

  test('connections with equal requests take turns', () => {
    const { turns, begun, connection, turn, waits } = loop()
    for (const name of ['a', 'b', 'c', 'd']) turns.ask(connection(name, 3, 40).requester)
    for (let i = 0; i < 10; i++) turn()
    const counts = ['a', 'b', 'c', 'd'].map((name) => begun.filter((one) => one === name).length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(4)
    while (waits()) turn()
    expect(begun).toHaveLength(160)
  })

  test('one request that the machine held up does not make a connection one of long ones', () => {
    const { turns, begun, connection, turn, waits } = loop()
    let tookMs = 0.1
    const heartbeat = connection('heartbeat', () => tookMs, 5)
    turns.ask(heartbeat.requester)
    while (waits()) turn()
    tookMs = 60
    heartbeat.add(1)
    turns.ask(heartbeat.requester)
    while (waits()) turn()
    tookMs = 0.1
    for (let i = 0; i < 50; i++) turns.ask(connection('long', 25, 2).requester)
    turn()
    heartbeat.add(1)
    turns.ask(heartbeat.requester)
    const before = begun.length
    turn()
    expect(begun[before]).toBe('heartbeat')
    while (waits()) turn()
  })
})

describe('limits of what is read', () => {
  test('queued.max.requests: connections that wait for their turn', () => {
    const { turns, connection, turn, waits } = loop({ queuedMax: 3 })
    const resumed: string[] = []
    const isFull = () => turns.isFull(() => resumed.push('resumed'))
    expect(isFull()).toBe(false)
    for (const name of ['a', 'b', 'c', 'd']) turns.ask(connection(name, 20, 2).requester)
    expect(isFull()).toBe(true)
    expect(resumed).toEqual([])
    while (waits()) turn()
    expect(resumed).toEqual(['resumed'])
    expect(isFull()).toBe(false)
  })

  test('queued.max.request.bytes: memory that requests hold', () => {
    const { turns, turn } = loop({ bytesMax: 1000 })
    const resumed: string[] = []
    const isFull = (name: string) => turns.isFull(() => resumed.push(name))
    turns.noteHeld(999)
    expect(isFull('a')).toBe(false)
    turns.noteHeld(1)
    expect(isFull('a')).toBe(true)
    const gone = () => resumed.push('gone')
    expect(turns.isFull(gone)).toBe(true)
    turns.forget(gone)
    turns.noteHeld(-1)
    turn()
    expect(resumed).toEqual(['a'])
  })
})
