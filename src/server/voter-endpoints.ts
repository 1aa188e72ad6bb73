import type { ListenerPlan } from './config/listeners.ts'

/** Returns where other nodes reach a controller with these listeners, for the voters' records. */
export function voterEndpoints(plans: readonly ListenerPlan[]) {
  return plans.map((plan) => {
    const { host, port } = plan.advertised ?? plan
    return { name: plan.name, host: host === '' ? 'localhost' : host, port }
  })
}
