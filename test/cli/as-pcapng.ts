/** Converts a pcap file to pcapng, with one section and one interface. */
export function asPcapng(pcap: Buffer): Buffer {
  const section = Buffer.from('4d3c2b1a01000000ffffffffffffffff', 'hex')
  const link = Buffer.alloc(8)
  link.writeUInt16LE(pcap.readUInt32LE(20), 0)
  const packets: Buffer[] = []
  for (let at = 24; at < pcap.length; at += 16 + pcap.readUInt32LE(at + 8)) {
    const head = Buffer.alloc(20)
    const micros = pcap.readUInt32LE(at) * 1e6 + pcap.readUInt32LE(at + 4)
    head.writeUInt32LE(Math.floor(micros / 2 ** 32), 4)
    head.writeUInt32LE(micros % 2 ** 32, 8)
    const size = pcap.readUInt32LE(at + 8)
    head.writeUInt32LE(size, 12)
    packets.push(block(6, Buffer.concat([head, pcap.subarray(at + 16, at + 16 + size)])))
  }
  return Buffer.concat([block(0x0a0d0d0a, section), block(1, link), ...packets])
}

function block(kind: number, body: Buffer): Buffer {
  const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)])
  const ends = Buffer.alloc(8)
  ends.writeUInt32LE(kind, 0)
  ends.writeUInt32LE(padded.length + 12, 4)
  return Buffer.concat([ends, padded, ends.subarray(4)])
}
