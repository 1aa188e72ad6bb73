import {
  api,
  array,
  bool,
  float64,
  int16,
  int32,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/** AlterClientQuotas. */
export const alterClientQuotas = api({
  name: 'AlterClientQuotas',
  key: 49,
  versions: [0, 1],
  flexible: 1,
  request: {
    entries: array({
      entity: array({ entityType: string, entityName: string.nullable() }),
      ops: array({ key: string, value: float64, remove: bool }),
    }),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    entries: array({
      errorCode: int16,
      errorMessage: string.nullable(),
      entity: array({ entityType: string, entityName: string.nullable() }),
    }),
  },
})
export type AlterClientQuotasRequest = Request<typeof alterClientQuotas>
export type AlterClientQuotasResponse = Response<typeof alterClientQuotas>
