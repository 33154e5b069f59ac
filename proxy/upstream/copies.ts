// The copies of a request that filters made: each gets the body as it passes, and is dropped where that is never complete.
import type { Exchange } from '../exchange/exchange.ts';

/** Gives a piece of the body to all of them. */
export function copyData({ copies }: Exchange, chunk: Buffer): void {
  if (copies !== null) for (const copy of copies) copy.data(chunk);
}

/** The body is complete. */
export function copyEnd({ copies }: Exchange): void {
  if (copies !== null) for (const copy of copies) copy.end();
}

/** The exchange is over: a body that is not complete yet never will be. */
export function dropCopies(exchange: Exchange): void {
  if (exchange.copies === null) return;
  for (const copy of exchange.copies) copy.abort();
  exchange.copies = null;
}
