// Faults that a policy adds to requests on purpose, after the request filters and before the first attempt: a delay, an error in place of
// an answer, or both. The exchange is marked, so that logs and metrics distinguish them from real failures.
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { hasHeader } from '../exchange/headers.ts';
import type { FaultPlan } from '../exchange/plan.ts';

/** Gets the ends of injected delays. */
export interface DelayListener {
  delayOver(exchange: Exchange): void;
}

/** Draws whether the request is delayed. True: it waits, and `delayOver` follows unless the exchange ends before. */
export function delays(exchange: Exchange, plan: FaultPlan, wheel: TimerWheel, listener: DelayListener): boolean {
  if (!mayFault(exchange, plan) || !draw(plan.delayShare)) return false;
  exchange.fault = 'delay';
  if (exchange.requestLength !== 0) exchange.downstream.pauseRequest();
  exchange.backoffTimer = new Timer(() => {
    exchange.backoffTimer = null;
    listener.delayOver(exchange);
  });
  wheel.arm(exchange.backoffTimer, plan.delay);
  return true;
}

/** Draws whether the request is answered with an error, and returns it; null if not. */
export function abortOf(exchange: Exchange, plan: FaultPlan): ExchangeError | null {
  if (!mayFault(exchange, plan) || !draw(plan.abortShare)) return null;
  exchange.fault = exchange.fault === 'delay' ? 'delay,abort' : 'abort';
  return plan.abort;
}

function mayFault({ requestHeaders }: Exchange, { header }: FaultPlan): boolean {
  return header === null || hasHeader(requestHeaders, header);
}

/** Whether an event with this share happens. Math.random() is below 1, so a share of 1 always does. */
function draw(share: number): boolean {
  return share > 0 && Math.random() < share;
}
