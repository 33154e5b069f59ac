// Ranges that are longer than the window: the same questions to a Prometheus that scrapes the proxies.
import CircuitBreaker from 'opossum';
import { err, ok, type Result } from '#lib/result.ts';
import { divided } from './fleet-window.ts';
import { WINDOW_MS } from './part.ts';
import { WINDOW_METRICS } from './reader.ts';
import type { GaugeName, History, LabelName, Matcher, Selection, Values, WindowMetric, WindowReader } from './reader.ts';
import { mistakeIn } from './selection.ts';

/** Asks a Prometheus. Never rejects. */
export interface AskPrometheus {
  query(expression: string): Promise<Result<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>>;
}

/** After so many failures in a row nothing is asked for a time, milliseconds: the callers wait for it. */
const BREAKER = { timeout: false, volumeThreshold: 3, errorThresholdPercentage: 60, resetTimeout: 30_000 } as const;

/** The metric of proxies, without the ending of durations. */
const METRICS: Readonly<Record<WindowMetric, string>> = {
  requests: 'weir_requests_total',
  errors: 'weir_errors_total',
  request_duration: 'weir_request_duration_seconds',
  request_bytes: 'weir_request_bytes_total',
  response_bytes: 'weir_response_bytes_total',
  upstream_attempts: 'weir_upstream_attempts_total',
  upstream_failures: 'weir_upstream_failures_total',
  upstream_connect_failures: 'weir_upstream_connect_failures_total',
  upstream_first_byte: 'weir_endpoint_first_byte_seconds',
};

export class LongRangeReader implements WindowReader {
  readonly #window: WindowReader;
  readonly #breaker: CircuitBreaker<[string], readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>;

  constructor(window: WindowReader, prometheus: AskPrometheus) {
    this.#window = window;
    const ask = async (expression: string) => {
      const answer = await prometheus.query(expression);
      if (!answer.ok) throw new Error(answer.error);
      return answer.value;
    };
    const isAbsent = (error: Error): boolean => error.message.startsWith('there is no Prometheus');
    this.#breaker = new CircuitBreaker(ask, { ...BREAKER, errorFilter: isAbsent });
  }

  sum(selection: Selection): Promise<Result<Values>> {
    if (!isLong(selection)) return this.#window.sum(selection);
    return this.#ask(selection, (sum, range) => `${sum} (increase(${countsOf(selection)}${range}))`);
  }

  rate(selection: Selection): Promise<Result<Values>> {
    if (!isLong(selection)) return this.#window.rate(selection);
    return this.#ask(selection, (sum, range) => `${sum} (rate(${countsOf(selection)}${range}))`);
  }

  quantile(share: number, selection: Selection): Promise<Result<Values>> {
    if (!isLong(selection) || !WINDOW_METRICS[selection.metric]?.isDuration) return this.#window.quantile(share, selection);
    const by = ['le', ...namesOf(selection.by ?? [])].join(', ');
    const buckets = seriesOf(selection, '_bucket');
    return this.#ask(selection, (_, range) => `histogram_quantile(${share}, sum by (${by}) (rate(${buckets}${range})))`);
  }

  async ratio(part: Selection, whole: Selection): Promise<Result<Values>> {
    if (!isLong(part) && !isLong(whole)) return this.#window.ratio(part, whole);
    const [parts, wholes] = await Promise.all([this.sum(part), this.sum(whole)]);
    if (!parts.ok) return parts;
    return wholes.ok ? ok(divided(parts.value, wholes.value)) : wholes;
  }

  /** Of the window only: the buckets of metrics are too wide. */
  above(seconds: number, selection: Selection): Promise<Result<Values>> {
    return this.#window.above(seconds, selection);
  }

  /** Of the window only. */
  history(selection: Selection, intervals: number): Promise<Result<History>> {
    return this.#window.history(selection, intervals);
  }

  gauge(name: GaugeName): Promise<Result<Values>> {
    return this.#window.gauge(name);
  }

  async #ask(selection: Selection, expressionOf: (sum: string, range: string) => string): Promise<Result<Values>> {
    const mistake = mistakeIn(selection);
    if (mistake !== null) return err(mistake);
    const { by = [], rangeMs, offsetMs = 0 } = selection;
    const offset = offsetMs === 0 ? '' : ` offset ${Math.round(offsetMs)}ms`;
    const expression = expressionOf(`sum by (${namesOf(by).join(', ')})`, `[${Math.round(rangeMs)}ms]${offset}`);
    try {
      const series = await this.#breaker.fire(expression);
      const values = series
        .filter(({ value }) => Number.isFinite(value))
        .map(({ labels, value }) => ({ labels: Object.fromEntries(by.map((name) => [name, labels[nameOf(name)] ?? ''])), value }));
      return ok({ values: values.toSorted((one, other) => other.value - one.value), knownMs: rangeMs, missing: [] });
    } catch (error) {
      const reason = this.#breaker.opened ? 'Prometheus failed several times; it is asked again within 30 s' : reasonOf(error);
      return err(`the window has the last two hours only, and ${reason}`);
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether the window does not have all of the range. */
function isLong({ rangeMs, offsetMs = 0 }: Selection): boolean {
  return rangeMs + offsetMs > WINDOW_MS;
}

function countsOf(selection: Selection): string {
  return seriesOf(selection, WINDOW_METRICS[selection.metric]?.isDuration ? '_count' : '');
}

function seriesOf({ metric, where = [] }: Selection, ending: string): string {
  return `${METRICS[metric]}${ending}{${where.map(matcherOf).join(',')}}`;
}

function matcherOf({ label, is, value }: Matcher): string {
  const [operator, text] = is === 'starts' ? ['=~', `${escaped(value)}.*`] : [is === 'equal' ? '=' : '!=', value];
  return `${nameOf(label)}${operator}${JSON.stringify(text)}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** The label of the metric of proxies. */
function nameOf(label: LabelName): string {
  return label === 'class' ? 'status_class' : label;
}

function namesOf(labels: readonly LabelName[]): readonly string[] {
  return labels.map(nameOf);
}
