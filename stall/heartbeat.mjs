// A client in its own process: sends an ApiVersions request each millisecond on one connection and
// measures each answer's latency. Its parent sends `begin` and `end`; it answers `end` with the
// measurements taken in between.
import { connect } from 'node:net'

const port = Number(process.argv[2])
const request = Buffer.from('0000000a00120000000000010000', 'hex') // ApiVersions v0, client id ''
const socket = connect({ port, host: '127.0.0.1', noDelay: true })
let sentAt = 0
let expected = 0
let isWaiting = false
let worst = 0
let count = 0
let lastTick = performance.now()
let ownWorst = 0

const send = () => {
  sentAt = performance.now()
  isWaiting = true
  socket.write(request)
}

socket.on('connect', send)
socket.on('error', (error) => {
  process.send?.({ failed: error.message })
  process.exit(1)
})
socket.on('close', () => process.exit(0))
socket.on('data', (bytes) => {
  // Only one answer is in flight; its length precedes it.
  if (expected === 0) expected = 4 + bytes.readInt32BE(0)
  expected -= bytes.length
  if (expected > 0) return
  expected = 0
  isWaiting = false
  const took = performance.now() - sentAt
  count++
  if (took > worst) worst = took
  setTimeout(send, 1)
})
// Measures the delay in ms of this process's own timer: the share of other load on the machine.
setInterval(() => {
  const now = performance.now()
  ownWorst = Math.max(ownWorst, now - lastTick - 5)
  lastTick = now
}, 5)

process.on('message', (what) => {
  if (what === 'begin') {
    worst = 0
    count = 0
    ownWorst = 0
    lastTick = performance.now()
    process.send?.({ begun: true })
  } else {
    // A request without an answer so far counts with its wait until now.
    const pendingMs = isWaiting ? performance.now() - sentAt : 0
    process.send?.({ worstMs: Math.max(worst, pendingMs), count, ownMs: ownWorst })
  }
})
process.on('disconnect', () => process.exit(0))
