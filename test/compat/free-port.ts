import { createServer } from 'node:net'

/**
 * Ports below those that Linux, macOS and Windows give to outgoing connections (Linux from 32768,
 * the others from 49152), because any client could take one of those between the check and the use.
 */
const portMin = 10_000
const portMax = 32_767
const attemptsMax = 100

/** Ports that this process has returned before; a server may be about to listen on them. */
const named = new Set<number>()

/** Returns a port of 127.0.0.1 on which nothing listens, and which no outgoing connection gets. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = portMin + Math.floor(Math.random() * (portMax - portMin + 1))
    if (named.has(port) || !(await isFree(port))) continue
    named.add(port)
    return port
  }
  throw new Error(`no free port in ${attemptsMax} attempts`)
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
