// Bodies that take the place of those of the client or the backend, with heads that are right for them.
import { bodyChanges, requestBodyChanges } from './changed-body.ts';
import type { BodyStage } from './body-stage.ts';
import type { ExchangeError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { AnswerChange } from './plan.ts';
import { ReplacingStage } from './replacing-stage.ts';

/** The answer cannot go on: the client gets an error, which passes no filter, in its place. */
export class AnswerRefusal {
  readonly error: ExchangeError;

  constructor(error: ExchangeError) {
    this.error = error;
  }
}

/**
 * Gives the answer another body with the same meaning, which a response filter made of `wholeAnswer`; the filter returns the result. ETag
 * becomes weak; digests, Accept-Ranges and trailers go. A head without a body (HEAD) announces no length.
 */
export function replaceAnswer(exchange: Exchange, body: Buffer): AnswerChange {
  bodyChanges(exchange);
  if (exchange.localBody === null && exchange.method === 'HEAD') return undefined;
  exchange.responseLength = body.length;
  if (exchange.localBody === null) return new ReplacingStage(body);
  exchange.localBody = body;
  return undefined;
}

/** Gives the request another body; a request filter returns the result. Digests and trailers go. */
export function replaceRequest(exchange: Exchange, body: Buffer): BodyStage {
  requestBodyChanges(exchange);
  exchange.requestLength = body.length;
  return new ReplacingStage(body);
}
