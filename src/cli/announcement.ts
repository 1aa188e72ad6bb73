import { type AddressInfo, addressText } from '../server/listening.ts'

/** Nodes that serve, as the first lines of the command tell. */
export interface Announcement {
  readonly listeners: readonly AddressInfo[]
  /** Empty for a node that is only a controller. */
  readonly brokerIds: readonly number[]
  readonly clusterId: string
  /** Empty if the data are in memory. */
  readonly dataDirs: readonly string[]
}

/** Prints the addresses, which say that all is ready, and how to produce. */
export function announce({ listeners, brokerIds, clusterId, dataDirs }: Announcement): void {
  const addresses = listeners.map(shownAddress).join(', ')
  const data = dataDirs.length === 0 ? 'in memory' : dataDirs.join(', ')
  process.stdout.write(
    `odradek listening on ${addresses} (${whoOf(brokerIds)}, cluster ${clusterId}, data ${data})\n`,
  )
  if (brokerIds.length > 0) process.stdout.write(hint(addressText(listeners[0]!)))
}

function whoOf(brokerIds: readonly number[]): string {
  if (brokerIds.length === 0) return 'controller'
  return brokerIds.length === 1 ? `node ${brokerIds[0]}` : `nodes ${brokerIds.join(', ')}`
}

/** Returns the bound address, and the advertised one if it differs. */
function shownAddress(listener: AddressInfo): string {
  const bound = addressText(listener)
  if (listener.advertised === null) return `${bound} (all addresses)`
  const told = addressText(listener.advertised)
  return told === bound ? bound : `${bound} (advertised as ${told})`
}

function hint(address: string): string {
  return [
    'Produce to it with any Kafka client, for instance:',
    `  echo hello | kcat -P -b ${address} -t first`,
    `  kcat -C -b ${address} -t first -o beginning -e`,
    '',
  ].join('\n')
}
