// The copies of a request for mirrors: each gets the body as it arrives, and is dropped if the body stays incomplete.
import type { Exchange } from '../exchange/exchange.ts';

/** Passes a piece of the body to all copies. */
export function copyData({ copies }: Exchange, chunk: Buffer): void {
  if (copies !== null) for (const copy of copies) copy.data(chunk);
}

/** The body is complete. */
export function copyEnd({ copies }: Exchange): void {
  if (copies !== null) for (const copy of copies) copy.end();
}

/** The exchange is over: an incomplete body stays incomplete. */
export function dropCopies(exchange: Exchange): void {
  if (exchange.copies === null) return;
  for (const copy of exchange.copies) copy.abort();
  exchange.copies = null;
}
