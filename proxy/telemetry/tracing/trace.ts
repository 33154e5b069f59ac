// The trace of one exchange while it is open: ids, and what its spans need besides the exchange and its attempts. Spans are made at the end,
// of exchanges that are kept only.
import type { Attempt } from '../../exchange/attempt.ts';
import type { ExchangeTrace, TracingSettings } from '../../exchange/tracing.ts';
import type { TraceParent } from '#lib/trace-context/trace-context.ts';

/** A wait for a filter that is over; turnTime(). */
export interface FilterWait {
  readonly filter: string;
  readonly since: number;
  readonly until: number;
}

/** More attempts or waits of one exchange have no spans. */
const MAX_SPANS = 64;

export class Trace implements ExchangeTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
  readonly settings: TracingSettings;
  /** That of the configuration at the match; '' if it is unknown. */
  readonly revision: string;
  /** The span of the caller, which is the parent, or only linked if it has another trace; null without one. */
  readonly caller: TraceParent | null;
  readonly traceState: string;
  /** Almost every exchange has one attempt. */
  first: Attempt | null = null;
  later: Attempt[] | null = null;
  waits: FilterWait[] | null = null;

  constructor(
    ids: { readonly traceId: string; readonly spanId: string; readonly sampled: boolean },
    settings: TracingSettings,
    revision: string,
    caller: TraceParent | null,
    traceState: string,
  ) {
    this.traceId = ids.traceId;
    this.spanId = ids.spanId;
    this.sampled = ids.sampled;
    this.settings = settings;
    this.revision = revision;
    this.caller = caller;
    this.traceState = traceState;
  }

  /** Notes an attempt. False: there are too many. */
  attempted(attempt: Attempt): boolean {
    if (this.first === null) this.first = attempt;
    else if (this.later === null) this.later = [attempt];
    else if (this.later.length < MAX_SPANS) this.later.push(attempt);
    else return false;
    return true;
  }

  waited(wait: FilterWait): void {
    if (this.waits === null) this.waits = [wait];
    else if (this.waits.length < MAX_SPANS) this.waits.push(wait);
  }
}
