import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Both ends of a connection: the accepted one and its peer. */
export async function socketPair(): Promise<{ ours: Socket; peer: Socket; close: () => void }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [ours] = (await accepted) as [Socket]
  const close = () => {
    for (const socket of [ours, peer]) socket.destroy()
    server.close()
  }
  return { ours, peer, close }
}
