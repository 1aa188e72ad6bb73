/** One decoder under attack. */
export interface Target {
  readonly name: string
  /** Inputs that are right: what is thrown at the decoder is made of them. */
  seeds(): readonly Buffer[]
  /**
   * Hands the input to the decoder. Returns when it was read, or refused as it may be; anything
   * that it throws is a finding.
   */
  run(input: Buffer): void | Promise<void>
  /** Ends what the target holds. */
  close?(): Promise<void>
}

/** A claim about the decoder that did not hold. */
export function claim(holds: boolean, what: string): void {
  if (!holds) throw new Error(`claim: ${what}`)
}
