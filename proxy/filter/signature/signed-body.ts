// The body of a signed request: it must have the signed digests before any of it reaches the backend.
import type { Exchange } from '../../exchange/exchange.ts';
import { digestsMatch } from './content-digest.ts';

/** Reads a body up to a limit. */
export type WholeBody = (exchange: Exchange, maxBytes: number) => Promise<Buffer | null>;

/** Whether the request may have a body: then its digest must be signed. */
export function mayHaveBody({ requestLength, upgrade, contentLength }: Exchange): boolean {
  return requestLength !== 0 && (upgrade === '' || contentLength > 0);
}

/** Null: the body has the digests. Otherwise the reason to refuse the request. */
export async function bodyProblem(
  exchange: Exchange,
  digests: ReadonlyMap<string, Buffer>,
  wholeBody: WholeBody,
  maxBytes: number,
): Promise<string | null> {
  const body = await wholeBody(exchange, maxBytes);
  if (body === null) return 'the body is too large to verify its digest';
  return digestsMatch(digests, body) ? null : 'the body does not have the signed digest';
}
