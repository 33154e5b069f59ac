// What the isolate knows of the exchanges under way.
import type { CallMessage } from '../../message.ts';
import { Edits, Request, Response } from './heads.ts';

/** The values of one exchange. */
export class ExchangeState {
  readonly state: Record<string, unknown> = {};
  request: Request | null = null;
  requestEdits = new Edits();
  response: Response | null = null;
  responseEdits = new Edits();
}

const exchanges = new Map<number, ExchangeState>();

/** The state of the exchange, with the heads that the message brings. */
export function stateOf({ exchange, keep, request, response }: CallMessage): ExchangeState {
  let state = exchanges.get(exchange);
  if (state === undefined) {
    state = new ExchangeState();
    if (keep) exchanges.set(exchange, state);
  }
  if (request !== undefined) {
    state.requestEdits = new Edits();
    state.request = new Request(request, state.requestEdits);
  }
  if (response !== undefined) {
    state.responseEdits = new Edits();
    state.response = new Response(response, state.responseEdits);
  }
  return state;
}

/** The exchange is over. */
export function forget(exchange: number): void {
  exchanges.delete(exchange);
}
