// Gives requests ids where a policy asks for it, passes them on, and returns them with answers.
import { randomUUID } from 'node:crypto';
import type { ExchangeListener } from '../exchange/exchange-events.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { getHeader, setHeader } from '../exchange/headers.ts';

/** An id of a client that is kept: nothing that could break a log, a page or a shell. */
const VALID = /^[A-Za-z0-9._~:/+=@-]{1,128}$/;

export class RequestIds implements ExchangeListener {
  matched(exchange: Exchange): void {
    const plan = exchange.telemetry?.requestId ?? null;
    if (plan === null) return;
    const given = plan.trustIncoming ? getHeader(exchange.requestHeaders, plan.header) : null;
    exchange.requestId = given !== null && VALID.test(given) ? given : randomUUID();
    setHeader(exchange.requestHeaders, plan.header, exchange.requestId);
  }

  answerHead(exchange: Exchange): void {
    const plan = exchange.telemetry?.requestId ?? null;
    if (plan !== null && plan.echo && exchange.requestId !== '') setHeader(exchange.responseHeaders, plan.header, exchange.requestId);
  }
}
