import { Malformed } from '../protocol/schema.ts'

/**
 * Refuses code 0, which stands for an element unknown to the client: Kafka does not parse such
 * requests. Codes that only the broker does not know are refused or ignored later.
 * @throws Malformed, which closes the connection.
 */
export function checkKnown(codes: readonly number[]): void {
  if (codes.includes(0)) throw new Malformed('a request with unknown elements')
}
