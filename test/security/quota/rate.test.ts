import { describe, expect, test } from 'vitest'
import { Rate, throttleMsOf } from '../../../src/security/quota/rate.ts'
import { Sensors } from '../../../src/security/quota/sensors.ts'
import { TokenBucket } from '../../../src/security/quota/token-bucket.ts'

const window = { samples: 11, sampleMs: 1_000 }

describe('a rate', () => {
  test('a burst at the start counts as if it had taken all samples but one', () => {
    const rate = new Rate(window)
    rate.record(5_000, 0)
    expect(rate.measure(0)).toBe(500)
    expect(rate.measure(400)).toBe((5_000 * 1_000) / 10_400)
  })

  test('the throttle makes up for what exceeds the limit', () => {
    const rate = new Rate(window)
    rate.record(15_000, 0)
    expect(throttleMsOf(rate, 1_500, 0)).toBe(0)
    expect(throttleMsOf(rate, 1_000, 0)).toBe(5_000)
    // The sum stays until its sample leaves the window.
    expect(throttleMsOf(rate, 1_000, 5_000)).toBe(5_000)
    expect(throttleMsOf(rate, 1_000, 11_000)).toBe(0)
  })

  test('a steady use is measured as it is', () => {
    const rate = new Rate(window)
    for (let atMs = 0; atMs < 60_000; atMs += 100) rate.record(100, atMs)
    expect(rate.measure(60_000)).toBeGreaterThan(950)
    expect(rate.measure(60_000)).toBeLessThan(1_050)
  })

  test('what is older than the window is forgotten', () => {
    const rate = new Rate(window)
    rate.record(15_000, 0)
    expect(rate.measure(10_999)).toBeGreaterThan(0)
    expect(rate.measure(11_000)).toBe(0)
    rate.record(10, 11_000)
    expect(rate.measure(11_000)).toBe(1)
  })

  test('what is taken back leaves no trace', () => {
    const rate = new Rate(window)
    rate.record(15_000, 0)
    rate.record(-15_000, 0)
    expect(rate.measure(0)).toBe(0)
  })

  test('a limit of nothing throttles without end', () => {
    const rate = new Rate(window)
    rate.record(1, 0)
    expect(throttleMsOf(rate, 0, 0)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a bucket of permits', () => {
  test('it holds those of a whole window, and is overdrawn once', () => {
    const bucket = new TokenBucket(window)
    expect(bucket.throttleMs(2, 0)).toBeNull()
    bucket.take(22, 2, 0)
    expect(bucket.throttleMs(2, 0)).toBeNull()
    bucket.take(10, 2, 0)
    expect(bucket.throttleMs(2, 0)).toBe(5_000)
    expect(bucket.throttleMs(2, 4_000)).toBe(1_000)
    expect(bucket.throttleMs(2, 5_000)).toBeNull()
  })

  test('permits return up to those of a window', () => {
    const bucket = new TokenBucket(window)
    bucket.take(1, 1, 0)
    bucket.take(11, 1, 100_000)
    expect(bucket.throttleMs(1, 100_000)).toBeNull()
    bucket.take(1, 1, 100_000)
    expect(bucket.throttleMs(1, 100_000)).toBe(1_000)
  })
})

describe('sensors', () => {
  const hourMs = 3600_000

  test('one that was unused for an hour begins anew', () => {
    const sensors = new Sensors(() => ({ sum: 0 }))
    sensors.get('a', 0).sum = 5
    expect(sensors.get('a', hourMs).sum).toBe(5)
    expect(sensors.get('a', 2 * hourMs + 1).sum).toBe(0)
  })

  test('idle ones make room, the others are limited in number', () => {
    const sensors = new Sensors(() => ({}))
    for (let i = 0; i < 100; i++) sensors.get(`old ${i}`, 0)
    sensors.get('new', 2 * hourMs)
    expect(sensors.size).toBe(1)
    for (let i = 0; i < 30_000; i++) sensors.get(`one of many ${i}`, 2 * hourMs)
    expect(sensors.size).toBe(20_000)
  })
})
