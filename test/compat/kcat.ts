import { Running, run, runWell } from './process.ts'

/** Returns the reason why kcat cannot run here, or null. */
export async function kcatMissing(): Promise<string | null> {
  try {
    const { code } = await run('kcat', ['-V'])
    return code === 0 ? null : `kcat -V ended with ${code}`
  } catch {
    return 'kcat is not installed'
  }
}

/** Runs kcat against a broker; it must end with 0. @returns its output. */
export function kcat(
  bootstrap: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<string> {
  return runWell('kcat', ['-b', bootstrap, ...args], { timeoutMs: 30_000, ...options })
}

/** Starts kcat and leaves it running, for example as a member of a group. */
export function startKcat(bootstrap: string, args: readonly string[]): Running {
  return new Running('kcat', ['-b', bootstrap, ...args])
}
