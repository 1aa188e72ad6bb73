import type { Logger } from '../../base/logger.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import type { BrokerOptions } from '../broker-options.ts'
import { type NodePlan, planProcess } from './options.ts'
import { BadConfig } from './static-config.ts'

/** A node that runs in a process of its own. */
export interface SeparateNode {
  readonly nodeId: number
  readonly isController: boolean
  readonly options: BrokerOptions
}

export interface SeparateNodes {
  /** The port that the controller should have; 0 for any free one. */
  readonly controllerPort: number
  /** Returns the nodes, the controller first, for a controller that listens on this port. */
  nodesAt(controllerPort: number): SeparateNode[]
}

/** The controller listens for the nodes of this machine only. */
const controllerHost = '127.0.0.1'
const controllerListener = 'CONTROLLER'

/**
 * Plans a process for each of the nodes that `Broker.start` would start in one, with the same ids,
 * ports and directories.
 * @throws BadConfig
 */
export function separateNodes(options: BrokerOptions, logger: Logger): SeparateNodes {
  const { controller, brokers } = planProcess(options, logger)
  if (controller === null || brokers.length < 2) {
    throw new BadConfig('only several brokers, with a controller, can have processes of their own')
  }
  if ((controller.statics.string('authorizer.class.name') ?? '') !== '') {
    throw new BadConfig(
      'authorizer.class.name: nodes in processes of their own connect without a login; describe ' +
        'each node by a server.properties, with the security of its listeners',
    )
  }
  const ports = brokers.flatMap(({ listeners }) => listeners.map(({ port }) => port))
  const memory = options.memory === true
  return {
    controllerPort: ports.includes(0) ? 0 : Math.max(...ports) + 1,
    nodesAt: (port) =>
      [controller, ...brokers].map((node) => ({
        nodeId: node.nodeId,
        isController: node === controller,
        options: { memory, properties: propertiesOf(node, node === controller, port) },
      })),
  }
}

function propertiesOf({ statics }: NodePlan, isController: boolean, port: number) {
  const address = `${controllerHost}:${port}`
  const own = isController
    ? { listeners: `${controllerListener}://${address}` }
    : { 'odradek.join.cordoned': 'false' }
  return {
    ...given(statics, isController),
    ...own,
    'controller.listener.names': controllerListener,
    'controller.quorum.bootstrap.servers': address,
    'listener.security.protocol.map': protocolsOf(statics),
  }
}

/** Returns the settings of a node, without those of clients' listeners for a controller. */
function given({ statics }: BrokerSettings, isController: boolean): Record<string, string> {
  const all = [...statics].flatMap(([key, text]) => (text === null ? [] : [[key, text] as const]))
  const ofClients = ['advertised.listeners', 'inter.broker.listener.name']
  return Object.fromEntries(all.filter(([key]) => !isController || !ofClients.includes(key)))
}

function protocolsOf(statics: BrokerSettings): string {
  const own = `${controllerListener}:PLAINTEXT`
  const known = statics.string('listener.security.protocol.map') ?? ''
  const others = known.split(',').filter((one) => {
    const [name = ''] = one.split(':')
    return name.trim() !== '' && name.trim().toUpperCase() !== controllerListener
  })
  return [...others, own].join(',')
}
