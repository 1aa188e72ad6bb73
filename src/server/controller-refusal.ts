import { ApiError } from '../protocol/errors.ts'

/** Returns a response that consists only of an error code and a message. */
export async function told(work: () => unknown) {
  try {
    await work()
    return { errorCode: 0, errorMessage: null }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { errorCode: error.code, errorMessage: error.detail }
  }
}
