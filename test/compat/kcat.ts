import { Running, run, runWell } from './process.ts'

/** Says why kcat cannot run here, or null when it can. */
export async function kcatMissing(): Promise<string | null> {
  try {
    const { code } = await run('kcat', ['-V'])
    return code === 0 ? null : `kcat -V ended with ${code}`
  } catch {
    return 'kcat is not installed'
  }
}

/** Runs kcat against a broker; it must end with 0. @returns what it printed. */
export function kcat(
  bootstrap: string,
  args: readonly string[],
  options: { readonly input?: string; readonly timeoutMs?: number } = {},
): Promise<string> {
  return runWell('kcat', ['-b', bootstrap, ...args], { timeoutMs: 30_000, ...options })
}

/** Starts kcat and leaves it running, as a member of a group for instance. */
export function startKcat(bootstrap: string, args: readonly string[]): Running {
  return new Running('kcat', ['-b', bootstrap, ...args])
}
