import { Refusal } from '../protocol/errors.ts'

/** The answer of requests that say how it went and no more, with the words of a refusal. */
export async function told(work: () => unknown) {
  try {
    await work()
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: null }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { throttleTimeMs: 0, errorCode: error.code, errorMessage: error.detail }
  }
}
