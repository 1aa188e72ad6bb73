import { ChannelFault, type ServedVersions } from '../channel/channel.ts'
import { ApiError, errorCode, errorName } from '../protocol/errors.ts'
import { readResponse, requestFrame } from '../protocol/frame.ts'
import { envelope } from '../protocol/messages/58-envelope.ts'
import {
  type AnyApi,
  type Api,
  type Draft,
  type Fields,
  type Infer,
  Malformed,
} from '../protocol/schema.ts'
import type { ControllerClient, ControllerRequest } from './controller-client.ts'
import { enveloped } from './envelope.ts'
import type { RequestContext } from './request-context.ts'

/** End of the attempts to forward a request, in ms (Kafka's `request.timeout.ms` twice). */
const forwardTimeoutMs = 60_000
const lengthBytes = 4

/** Passes requests of clients on to the active controller (KIP-590). */
export class Forwarder {
  private readonly controller: ControllerClient
  private readonly inStep: () => Promise<void>

  /** @param inStep resolves when all that came from the metadata log has been applied. */
  constructor(controller: ControllerClient, inStep: () => Promise<void>) {
    this.controller = controller
    this.inStep = inStep
  }

  /** The versions that the active controller serves; null before a request was forwarded to it. */
  get controllerVersions(): ServedVersions | null {
    return this.controller.served
  }

  /**
   * Forwards a request as it came. Resolves with the controller's response once this broker has
   * applied what the metadata log brought before it: who gets the answer "created" finds the topic.
   * @throws (rejects) ApiError REQUEST_TIMED_OUT, or UNKNOWN_SERVER_ERROR if the controller refuses
   * the Envelope; Malformed if it does not serve the version.
   */
  async forward<R extends Fields>(api: Api<Fields, R>, context: RequestContext): Promise<Infer<R>> {
    const { frame, apiVersion } = context
    const requestData = frame ?? Buffer.alloc(0)
    return (await this.send(api, apiVersion, requestData, context)) as Infer<R>
  }

  /** Forwards a request that this broker has made or changed, for the client of another one. */
  async forwardMade<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    apiVersion: number,
    body: Draft<Q>,
    context: RequestContext,
  ): Promise<Infer<R>> {
    const { clientId, correlationId } = context
    const pieces = requestFrame(api, apiVersion, { clientId, correlationId }, body)
    const requestData = Buffer.concat(pieces).subarray(lengthBytes)
    return (await this.send(api, apiVersion, requestData, context)) as Infer<R>
  }

  /** Sends a request of this broker's own; resolves like `forward`. */
  async ask<Q extends Fields, R extends Fields>(
    request: ControllerRequest<Q, R>,
  ): Promise<Infer<R>> {
    try {
      const response = await this.controller.send(request)
      await this.inStep()
      return response
    } catch (error) {
      throw error instanceof ChannelFault ? new ApiError('REQUEST_TIMED_OUT', error.message) : error
    }
  }

  private async send(
    api: AnyApi,
    apiVersion: number,
    requestData: Buffer,
    { session }: RequestContext,
  ): Promise<Infer<Fields>> {
    const { errorCode: code, responseData } = await this.ask({
      api: envelope,
      version: 0,
      body: { requestData, ...enveloped(session) },
      timeoutMs: forwardTimeoutMs,
      errorOf: (response) => response.errorCode,
    })
    if (code === errorCode('UNSUPPORTED_VERSION')) {
      throw new Malformed(`the controller does not serve ${api.name} in version ${apiVersion}`)
    }
    if (code !== 0 || responseData === null) {
      throw new ApiError('UNKNOWN_SERVER_ERROR', `Forwarding has failed: ${errorName(code)}`)
    }
    return readResponse(api, apiVersion, responseData).body
  }
}
