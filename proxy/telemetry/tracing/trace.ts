// The trace of one exchange while it is open: ids, and what its spans need besides the exchange and its attempts. Spans are made at the end,
// of exchanges that are kept only.
import type { Attempt } from '../../exchange/attempt.ts';
import type { CallOutcome, CallSpan, ExchangeTrace, ServiceCall, TracingSettings } from '../../exchange/tracing.ts';
import { newSpanId } from '#lib/trace-context/ids.ts';
import type { TraceParent } from '#lib/trace-context/trace-context.ts';
import { turnTime } from '#lib/turn-clock.ts';
import { withContext } from './context.ts';

/** A wait for a filter that is over; turnTime(). */
export interface FilterWait {
  readonly filter: string;
  readonly since: number;
  readonly until: number;
}

/** A call of a filter to a service; turnTime(). */
export class TracedCall implements CallSpan {
  readonly call: ServiceCall;
  readonly spanId = newSpanId();
  readonly since = turnTime();
  readonly #context: (spanId: string, headers: readonly string[]) => string[];
  /** Null while it goes on. */
  over: { readonly at: number; readonly outcome: CallOutcome } | null = null;

  constructor(call: ServiceCall, context: (spanId: string, headers: readonly string[]) => string[]) {
    this.call = call;
    this.#context = context;
  }

  headersWith(headers: readonly string[]): string[] {
    return this.#context(this.spanId, headers);
  }

  ended(outcome: CallOutcome): void {
    this.over ??= { at: turnTime(), outcome };
  }
}

/** More attempts, waits or calls of one exchange have no spans. */
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
  calls: TracedCall[] | null = null;

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

  call(call: ServiceCall): TracedCall | null {
    this.calls ??= [];
    if (this.calls.length === MAX_SPANS) return null;
    const made = new TracedCall(call, (spanId, headers) => withContext(headers, this, spanId));
    this.calls.push(made);
    return made;
  }
}
