// What the isolate knows of the exchanges under way.
import type { CallMessage } from '../../message.ts';
import { Context } from './context.ts';
import { Request, Response } from './heads.ts';

/** The values of one exchange. */
export class ExchangeState {
  readonly context: Context;
  request: Request | null;
  response: Response | null = null;

  constructor(context: Context, request: Request | null) {
    this.context = context;
    this.request = request;
  }
}

const exchanges = new Map<number, ExchangeState>();

/** The state of an exchange; null: it is not known. */
export function stateOf(exchange: number): ExchangeState | null {
  return exchanges.get(exchange) ?? null;
}

/** Other hooks of the exchange may follow: its state stays until it is over. */
export function keep(exchange: number, state: ExchangeState): void {
  exchanges.set(exchange, state);
}

/** The state of the exchange of a message, with the heads that it brings. */
export function stateOfCall({ exchange, keep: isKept, request, response, state: earlier }: CallMessage): ExchangeState {
  const state = stateOf(exchange) ?? new ExchangeState(new Context(), null);
  if (isKept) keep(exchange, state);
  if (earlier !== undefined) Object.assign(state.context.state, earlier);
  if (request !== undefined) state.request = Request.of(request);
  if (response !== undefined) state.response = Response.of(response);
  return state;
}

/** The exchange is over. */
export function forget(exchange: number): void {
  exchanges.delete(exchange);
}

/** The values that the hooks of an exchange share, as JSON; '' if there are none. */
export function savedState(exchange: number): string {
  const state = stateOf(exchange)?.context.state;
  return state === undefined ? '' : JSON.stringify(state);
}
