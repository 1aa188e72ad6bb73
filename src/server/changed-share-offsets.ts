import { ApiError, defaultMessage, errorName } from '../protocol/errors.ts'

interface Changed<R> {
  readonly errorCode: number
  readonly errorMessage?: string | null | undefined
  readonly responses: readonly R[]
}

/** Returns the response to a change of a share group's offsets, with the refused topics first. */
export async function changedShareOffsets<R>(
  refused: readonly NoInfer<R>[],
  change: () => Promise<Changed<R>>,
): Promise<Changed<R>> {
  try {
    const answer = await change()
    return { ...answer, responses: [...refused, ...answer.responses] }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return nothingChanged(error.code, error.detail)
  }
}

/** Returns the response to a change that is refused as a whole. */
export const refusedChange = (_request: unknown, _context: unknown, code: number) =>
  nothingChanged(code, defaultMessage(errorName(code)))

function nothingChanged(errorCode: number, errorMessage: string | null) {
  return { errorCode, errorMessage, responses: [] }
}
