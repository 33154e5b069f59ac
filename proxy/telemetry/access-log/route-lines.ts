// The makers of lines: that of the proxy, and one for each list of fields of policies.
import { parseFormat } from '#api/access-log/format.ts';
import type { LogFormat } from '#api/access-log/format.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { DEFAULT_REDACTOR } from '#lib/redaction/redactor.ts';
import { ok } from '#lib/result.ts';
import type { AccessLogPlan, RouteTelemetry } from '../../exchange/route-telemetry.ts';
import { LineMaker } from './line-maker.ts';

/** What policies say about the lines of an exchange; null: nothing. */
export function planOf({ telemetry }: Exchange): AccessLogPlan | null {
  return telemetry === null ? null : telemetry.accessLog;
}

export class RouteLines {
  /** That of the format of the proxy. */
  readonly usual: LineMaker;
  readonly #format: LogFormat;
  /** A maker lives as long as the settings for which it was made. */
  readonly #ofPolicies = new WeakMap<RouteTelemetry, LineMaker>();

  constructor(format: LogFormat) {
    this.#format = format;
    this.usual = new LineMaker(format);
  }

  /** Keeps the headers of the lines, before filters change them. */
  started(exchange: Exchange): void {
    this.usual.started(exchange);
  }

  /** Keeps other headers if a policy sets the fields. */
  matched(exchange: Exchange): void {
    const { telemetry } = exchange;
    if (telemetry !== null && hasFields(telemetry)) this.#of(telemetry).started(exchange);
  }

  /** The line of an exchange that is over. */
  line(exchange: Exchange, ms: number): string {
    const { telemetry } = exchange;
    if (telemetry === null) return this.usual.request(exchange, ms);
    const lines = this.#of(telemetry);
    // Without a route there was no match, and no filter has changed the headers.
    if (exchange.route === null && hasFields(telemetry)) lines.started(exchange);
    return lines.request(exchange, ms);
  }

  #of(telemetry: RouteTelemetry): LineMaker {
    const known = this.#ofPolicies.get(telemetry);
    if (known !== undefined) return known;
    const made = this.#make(telemetry);
    this.#ofPolicies.set(telemetry, made);
    return made;
  }

  #make({ accessLog, redactor }: RouteTelemetry): LineMaker {
    const fields = accessLog?.fields ?? null;
    const parsed = fields === null ? ok(this.#format) : parseFormat('json', fields);
    if ((fields === null && redactor === null) || !parsed.ok) return this.usual;
    return new LineMaker(parsed.value, redactor ?? DEFAULT_REDACTOR);
  }
}

function hasFields({ accessLog }: RouteTelemetry): boolean {
  return accessLog !== null && accessLog.fields !== null;
}
