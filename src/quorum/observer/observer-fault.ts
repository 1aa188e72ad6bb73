/**
 * The reason why an observer has stopped: going on would make its image differ from the cluster's,
 * or no controller will ever serve it.
 */
export class ObserverFault extends Error {
  override readonly name = 'ObserverFault'
}
