/** A decoder to fuzz. */
export interface Target {
  readonly name: string
  /** Valid inputs, from which the mutated ones are made. */
  seeds(): readonly Buffer[]
  /**
   * Passes the input to the decoder. Returns if the input is decoded or properly refused; any error
   * that it throws is a finding.
   */
  run(input: Buffer): void | Promise<void>
  /** Releases the target's resources. */
  close?(): Promise<void>
}

/** Throws if a claim about the decoder does not hold. */
export function claim(holds: boolean, what: string): void {
  if (!holds) throw new Error(`claim: ${what}`)
}
