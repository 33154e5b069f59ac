// The makers of lines: that of the proxy, and one for each list of fields of policies.
import { parseFormat } from '#api/access-log/format.ts';
import type { LogFormat } from '#api/access-log/format.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { AccessLogPlan } from '../../exchange/route-telemetry.ts';
import { LineMaker } from './line-maker.ts';

/** What policies say about the lines of an exchange; null: nothing. */
export function planOf({ telemetry }: Exchange): AccessLogPlan | null {
  return telemetry === null ? null : telemetry.accessLog;
}

export class RouteLines {
  /** That of the format of the proxy. */
  readonly usual: LineMaker;
  /** A maker lives as long as the settings for which it was made. */
  readonly #ofPlans = new WeakMap<AccessLogPlan, LineMaker>();

  constructor(format: LogFormat) {
    this.usual = new LineMaker(format);
  }

  /** Keeps the headers of the lines, before filters change them. */
  started(exchange: Exchange): void {
    this.usual.started(exchange);
  }

  /** Keeps other headers if a policy sets the fields. */
  matched(exchange: Exchange): void {
    const plan = planOf(exchange);
    if (plan !== null && plan.fields !== null) this.#of(plan).started(exchange);
  }

  /** The line of an exchange that is over. */
  line(plan: AccessLogPlan | null, exchange: Exchange, ms: number): string {
    if (plan === null || plan.fields === null) return this.usual.request(exchange, ms);
    const lines = this.#of(plan);
    // Without a route there was no match, and no filter has changed the headers.
    if (exchange.route === null) lines.started(exchange);
    return lines.request(exchange, ms);
  }

  #of(plan: AccessLogPlan): LineMaker {
    const known = this.#ofPlans.get(plan);
    if (known !== undefined) return known;
    const format = parseFormat('json', plan.fields ?? '');
    const made = format.ok ? new LineMaker(format.value) : this.usual;
    this.#ofPlans.set(plan, made);
    return made;
  }
}
