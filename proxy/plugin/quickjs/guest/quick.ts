// Hooks for heads without messages: the proxy hands over texts, and gets back a text with the changes. For plugins on the event loop of the
// proxy, where each microsecond counts.
import { isThenable, settleLater, tell } from './calls.ts';
import { Context } from './context.ts';
import { ExchangeState, forget, keep, stateOf } from './exchanges.ts';
import { Request, Response } from './heads.ts';
import { plugin } from './hooks.ts';
import { done } from './results.ts';
import { describe } from './values.ts';

type HeadHook = 'onRequest' | 'onResponse';

/** The calls of this kind count down, so that they are not mixed up with those of messages. */
let lastCall = 0;

/** Calls `onRequest`; without `exchange` no other hook follows. Returns the changes in lines, `?` and a call that ends later, or `!` and a reason. */
export function quickRequest(text: string, exchange = 0): string {
  const request = new Request(text);
  const context = new Context();
  if (exchange !== 0) keep(exchange, new ExchangeState(context, request));
  try {
    const result: unknown = plugin.onRequest?.(request, context);
    if (result !== undefined) return later('onRequest', new ExchangeState(context, request), result);
    const edits = request.list === null ? '' : request.list.edits;
    return request.isMoved ? moved(request, context, edits) : edits;
  } catch (error) {
    return `!${describe(error)}`;
  }
}

/** The path has changed too. A line break in it is for the proxy to refuse. */
function moved(request: Request, context: Context, edits: string): string {
  const { path, query } = request;
  if (path.includes('\n') || query.includes('\n')) return later('onRequest', new ExchangeState(context, request), undefined);
  return `${edits}\n>${path}\n&${query}`;
}

/** Calls `onResponse`. `text` '': the exchange is known. It is the last hook of the exchange. */
export function quickResponse(text: string, exchange: number, status: number, headers: string): string {
  const state = stateOf(exchange) ?? new ExchangeState(new Context(), new Request(text));
  state.request?.told();
  state.request?.open(false);
  const response = (state.response = new Response(status, headers));
  const result = changesOfResponse(state, response);
  // Not before: a call that is cut is repeated elsewhere, with the state.
  forget(exchange);
  return result;
}

function changesOfResponse(state: ExchangeState, response: Response): string {
  try {
    const result: unknown = plugin.onResponse?.(response, state.request as Request, state.context);
    if (result !== undefined) return later('onResponse', state, result);
    const edits = response.list === null ? '' : response.list.edits;
    return response.isChanged ? `${edits}\n#${response.status}` : edits;
  } catch (error) {
    return `!${describe(error)}`;
  }
}

/** Tells the result by a message, at once or later. Returns the number of the call behind `?`. */
function later(hook: HeadHook, state: ExchangeState, result: unknown): string {
  const call = { call: --lastCall, hook };
  if (isThenable(result)) settleLater(call, state, result);
  else tell(call.call, () => done(call, state, result));
  return `?${call.call}`;
}
