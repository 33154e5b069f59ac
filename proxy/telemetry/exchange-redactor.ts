// What hides secrets of an exchange: by the policy of its route, or what holds for all.
import { DEFAULT_REDACTOR } from '#lib/redaction/redactor.ts';
import type { Redactor } from '#lib/redaction/redactor.ts';
import type { Exchange } from '../exchange/exchange.ts';

export function redactorOf({ telemetry }: Exchange): Redactor {
  return telemetry?.redactor ?? DEFAULT_REDACTOR;
}
