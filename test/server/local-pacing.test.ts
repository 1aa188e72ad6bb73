import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { withKoffi } from '../../src/base/koffi.ts'
import { endPacingOf } from '../../src/server/local-pacing.ts'
import { descriptorOf } from '../../src/server/socket-descriptor.ts'

const open: (Server | Socket)[] = []
afterEach(() => {
  for (const one of open.splice(0)) 'destroy' in one ? one.destroy() : one.close()
})

function listening(host: string): Promise<Server> {
  const server = createServer()
  open.push(server)
  return new Promise((done) => server.listen(0, host, () => done(server)))
}

/** The algorithm of a connection that the server has accepted, as the kernel tells it. */
async function algorithmOfNext(server: Server): Promise<string> {
  const accepted = new Promise<Socket>((done) => server.once('connection', done))
  open.push(connect((server.address() as AddressInfo).port, '127.0.0.1'))
  const socket = await accepted
  open.push(socket)
  const told = await withKoffi((koffi) => {
    const name = 'int getsockopt(int socket, int level, int name, void *value, void *length)'
    const value = Buffer.alloc(16)
    expect(
      koffi.load(null).func(name)(descriptorOf(socket)!(), 6, 13, value, new Uint32Array([16])),
    ).toBe(0)
    return value.toString('latin1').split('\0')[0]!
  })
  return told ?? 'nobody can tell'
}

const isHere = (await withKoffi(() => true)) === true

describe.skipIf(!isHere)('the pace of connections within this machine', () => {
  const given = isHere
    ? readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim()
    : ''

  test('none is paced where BBR is the default; any other default is left', async () => {
    const server = await listening('127.0.0.1')
    const set = await endPacingOf(server, '127.0.0.1')
    if (given === 'bbr') expect(['cubic', 'reno']).toContain(set)
    else expect(set).toBeNull()
    expect(await algorithmOfNext(server)).toBe(set ?? given)
  })

  test('who may be reached over a network keeps what the machine gives', async () => {
    const server = await listening('0.0.0.0')
    expect(await endPacingOf(server, '0.0.0.0')).toBeNull()
    expect(await algorithmOfNext(server)).toBe(given)
  })

  test('a socket that was closed meanwhile is left alone', async () => {
    const server = await listening('127.0.0.1')
    server.close()
    expect(await endPacingOf(server, '127.0.0.1')).toBeNull()
  })
})
