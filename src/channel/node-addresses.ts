import type { NodeAddress } from './channel.ts'

/** A host name, an IPv4 address or an IPv6 address in brackets, and a port. */
const addressPattern = /^(?:\[([0-9a-zA-Z%.:]+)\]|([0-9a-zA-Z\-_.]+)):([0-9]{1,5})$/

/**
 * Parses an address `host:port` from the settings, as in `controller.quorum.bootstrap.servers`;
 * null for any other text.
 */
export function parseNodeAddress(text: string): NodeAddress | null {
  const parts = addressPattern.exec(text.trim())
  if (parts === null) return null
  const port = Number(parts[3])
  if (port === 0 || port > 65535) return null
  return { nodeId: -1, host: (parts[1] ?? parts[2])!, port }
}
