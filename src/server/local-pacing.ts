import { readFile } from 'node:fs/promises'
import type { Server } from 'node:net'
import { onceWithKoffi } from '../base/koffi.ts'
import { declareSetSocketOption } from '../base/socket-option.ts'
import { descriptorOf } from './socket-descriptor.ts'

/** The algorithm that new connections of this machine are given, by name. */
const defaultFile = '/proc/sys/net/ipv4/tcp_congestion_control'
/** TCP_CONGESTION of <netinet/tcp.h>, of the level IPPROTO_TCP. */
const option = { level: 6, name: 13 } as const
/** In the order they are tried: who runs without rights may be refused the first. */
const unpaced = ['cubic', 'reno'] as const

type SetAlgorithm = (socket: number, algorithm: string) => boolean

const loadSetAlgorithm = onceWithKoffi<SetAlgorithm>((koffi) => {
  const setOption = declareSetSocketOption(koffi)
  return (socket, algorithm) => setOption(socket, option, Buffer.from(algorithm))
})

/** Whether nobody but this machine can reach what listens on `host`. */
function isLoopback(host: string): boolean {
  return host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/**
 * Has the connections of a socket that only this machine can reach not paced. Where the default of Linux
 * is BBR, each piece waits for a timer of its own, which does a network good; within a machine there is
 * none, and readers cost the broker twice the processor. A connection takes the algorithm from the socket
 * that listens, and keeps a pace that it once had: so it is set before the first one comes. Does nothing
 * where another algorithm is the default, another system runs, or C cannot be called.
 *
 * @returns the algorithm that was set; null where all was left as it is.
 */
export async function endPacingOf(server: Server, host: string): Promise<string | null> {
  if (process.platform !== 'linux' || !isLoopback(host)) return null
  const given = await readFile(defaultFile, 'utf8').catch(() => '')
  if (!given.startsWith('bbr')) return null
  const set = await loadSetAlgorithm()
  // Null too if it was closed meanwhile.
  const socket = descriptorOf(server)?.()
  if (set === null || socket === undefined) return null
  return unpaced.find((algorithm) => set(socket, algorithm)) ?? null
}
