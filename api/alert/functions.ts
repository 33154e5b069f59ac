// The functions of `traffic` in expressions of alert rules: what each returns, and the same as a query of Prometheus. The last argument of
// each is the time, a text in quotes like "5m".
import { STATUS_CLASSES, type StatusClass, type SubjectKind } from './subjects.ts';
import type { TrafficNeed, TrafficOf } from './facts.ts';

/** The metrics of a kind of subject, and the label that tells subjects apart; '' for the installation. */
export interface TrafficMetrics {
  readonly requests: string;
  /** The series of failed requests; they are added up. */
  readonly errors: readonly string[];
  readonly failures: string;
  readonly seconds: string;
  readonly by: string;
}

/** A function of `traffic`. */
export interface TrafficFunction {
  /** The types of the arguments before the time. */
  readonly parameters: readonly ('double' | 'string')[];
  readonly text: string;
  /** The part of the traffic that it reads. */
  readonly of: TrafficNeed['of'];
  /** The subjects that do not have it. */
  readonly isNotOf?: SubjectKind;
  /** Why these literal arguments are wrong; null if they are not. An argument that is no literal is null. */
  readonly check?: (args: readonly (number | string | null)[]) => string | null;
  readonly value: (traffic: TrafficOf, args: readonly (number | string)[], ms: number) => number;
  readonly promql: (metrics: TrafficMetrics, args: readonly (number | string)[], time: string) => string;
}

const sum = (by: string, of: string): string => `sum${by === '' ? '' : ` by (${by})`} (${of})`;
const increase = (by: string, series: string, time: string): string => sum(by, `increase(${series}[${time}])`);
const ratio = (part: string, whole: string): string => `(${part} / (${whole} > 0) or 0 * ${whole})`;

function errorRatio({ requests, errors, by }: TrafficMetrics, time: string): string {
  const failed = errors.map((series) => `increase(${series}[${time}])`).join(' or ');
  return ratio(sum(by, failed), increase(by, requests, time));
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function checkClass([status]: readonly (number | string | null)[]): string | null {
  return STATUS_CLASSES.some((each) => each === status) ? null : `has an unknown class of statuses; they are ${STATUS_CLASSES.join(', ')}`;
}

function checkShare([q]: readonly (number | string | null)[]): string | null {
  return typeof q === 'number' && q > 0 && q < 1 ? null : 'needs a share between 0 and 1 as a number, like 0.99';
}

function checkSeconds([seconds]: readonly (number | string | null)[]): string | null {
  return typeof seconds === 'number' && seconds > 0 ? null : 'needs seconds as a number with a point, like 0.3';
}

function checkCode([code]: readonly (number | string | null)[]): string | null {
  return typeof code === 'string' && /^[a-z0-9_]{1,64}$/.test(code) ? null : 'needs a code as a text in quotes, like "rate_limited"';
}

/** All functions, in the order of the reference. */
export const TRAFFIC_FUNCTIONS: Readonly<Record<string, TrafficFunction>> = {
  requests: {
    parameters: [],
    of: 'classes',
    text: 'The number of requests that ended.',
    value: ({ requests }) => requests,
    promql: ({ requests, by }, _args, time) => increase(by, requests, time),
  },
  rate: {
    parameters: [],
    of: 'classes',
    text: 'The same for each second.',
    value: ({ requests }, _args, ms) => (requests * 1_000) / ms,
    promql: ({ requests, by }, _args, time) => sum(by, `rate(${requests}[${time}])`),
  },
  responses: {
    parameters: ['string'],
    of: 'classes',
    isNotOf: 'Backend',
    text: 'The number of answers of a class of statuses: `traffic.responses("4xx", "5m")`. Not of backends.',
    check: checkClass,
    value: ({ classes }, [status]) => classes[status as StatusClass] ?? 0,
    promql: ({ requests, by }, [status], time) => increase(by, `${requests}{status_class="${status}"}`, time),
  },
  errorRatio: {
    parameters: [],
    of: 'classes',
    text: 'The share of requests with an answer of 5xx, from 0 to 1; 0 without requests. Of backends: attempts that failed or were answered with 5xx.',
    value: ({ classes, requests }) => share(classes['5xx'] ?? 0, requests),
    promql: (metrics, _args, time) => errorRatio(metrics, time),
  },
  clientErrorRatio: {
    parameters: [],
    of: 'classes',
    isNotOf: 'Backend',
    text: 'The share of requests with an answer of 4xx. Not of backends.',
    value: ({ classes, requests }) => share(classes['4xx'] ?? 0, requests),
    promql: ({ requests, by }, _args, time) => ratio(increase(by, `${requests}{status_class="4xx"}`, time), increase(by, requests, time)),
  },
  failures: {
    parameters: ['string'],
    of: 'codes',
    text: 'The number of failures with a [code](errors.md): `traffic.failures("rate_limited", "5m")`. Of routes and the installation: answers that Weir gives itself; of backends: attempts.',
    check: checkCode,
    value: ({ codes }, [code]) => codes[String(code)] ?? 0,
    promql: ({ failures, by }, [code], time) => increase(by, `${failures}{code="${code}"}`, time),
  },
  latency: {
    parameters: ['double'],
    of: 'latency',
    text: 'A percentile of the latency in seconds: `traffic.latency(0.99, "5m")`; 0 without requests.',
    check: checkShare,
    value: ({ latency }, [q]) => latency(Number(q)),
    promql: ({ seconds, by }, [q], time) =>
      `histogram_quantile(${q}, ${sum(by === '' ? 'le' : `${by}, le`, `rate(${seconds}_bucket[${time}])`)})`,
  },
  slowRatio: {
    parameters: ['double'],
    of: 'slow',
    text: 'The share of requests that take longer than so many seconds: `traffic.slowRatio(0.3, "1h")`. In Prometheus the limit must be one of the buckets of the histogram.',
    check: checkSeconds,
    value: ({ slowRatio }, [seconds]) => slowRatio(Number(seconds)),
    promql: ({ seconds, by }, [limit], time) => {
      const all = increase(by, `${seconds}_count`, time);
      const fast = increase(by, `${seconds}_bucket{le=~"${bucketText(Number(limit))}"}`, time);
      return `(1 - ${fast} / (${all} > 0) or 0 * ${all})`;
    },
  },
};

/** The label of a bucket. Prometheus 3 writes whole numbers with a point. */
function bucketText(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}|${seconds}.0` : String(seconds);
}
