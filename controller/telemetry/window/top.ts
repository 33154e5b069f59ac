// The busiest routes, backends and endpoints of the last minutes, with rates, failures and percentiles: one look at the window.
import { ok, type Result } from '#lib/result.ts';
import type { LabelName, Selection, Values, WindowMetric, WindowReader } from './reader.ts';

/** A route, backend or endpoint. Rates per second, milliseconds; null without durations. */
export interface TopRow {
  readonly requestsPerSecond: number;
  /** Answers with 5xx, and attempts that failed. */
  readonly failuresPerSecond: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Top {
  /** The time that the rates are of, milliseconds. */
  readonly rangeMs: number;
  /** How much of it is known. */
  readonly knownMs: number;
  readonly routes: readonly (TopRow & { readonly route: string })[];
  readonly backends: readonly (TopRow & { readonly backend: string })[];
  readonly endpoints: readonly (TopRow & { readonly backend: string; readonly endpoint: string })[];
  /** Controllers that did not answer. */
  readonly missing: readonly string[];
}

/** The metrics behind the rows of one kind. */
interface Source {
  readonly by: readonly LabelName[];
  readonly requests: WindowMetric;
  readonly failures: Pick<Selection, 'metric' | 'where'>;
  readonly durations: WindowMetric;
}

const FAILED: Pick<Selection, 'metric' | 'where'> = { metric: 'requests', where: [{ label: 'class', is: 'equal', value: '5xx' }] };
const ROUTES: Source = { by: ['route'], requests: 'requests', failures: FAILED, durations: 'request_duration' };
const ATTEMPTS = { requests: 'upstream_attempts', failures: { metric: 'upstream_failures' }, durations: 'upstream_first_byte' } as const;

/** The rows of the last `rangeMs` milliseconds. */
export async function topOf(window: WindowReader, rangeMs: number): Promise<Result<Top>> {
  const [routes, backends, endpoints] = await Promise.all([
    rowsOf(window, ROUTES, rangeMs),
    rowsOf(window, { by: ['backend'], ...ATTEMPTS }, rangeMs),
    rowsOf(window, { by: ['backend', 'endpoint'], ...ATTEMPTS }, rangeMs),
  ]);
  if (!routes.ok) return routes;
  if (!backends.ok) return backends;
  if (!endpoints.ok) return endpoints;
  const { knownMs, missing } = routes.value;
  return ok({
    rangeMs,
    knownMs,
    routes: routes.value.rows.map(({ labels: { route = '' }, row }) => ({ route, ...row })),
    backends: backends.value.rows.map(({ labels: { backend = '' }, row }) => ({ backend, ...row })),
    endpoints: endpoints.value.rows.map(({ labels: { backend = '', endpoint = '' }, row }) => ({ backend, endpoint, ...row })),
    missing,
  });
}

interface Rows extends Pick<Values, 'knownMs' | 'missing'> {
  readonly rows: readonly { readonly labels: Readonly<Record<string, string>>; readonly row: TopRow }[];
}

async function rowsOf(window: WindowReader, { by, requests, failures, durations }: Source, rangeMs: number): Promise<Result<Rows>> {
  const duration: Selection = { metric: durations, by, rangeMs };
  const [rates, failed, p50, p99] = await Promise.all([
    window.rate({ metric: requests, by, rangeMs }),
    window.rate({ ...failures, by, rangeMs }),
    window.quantile(0.5, duration),
    window.quantile(0.99, duration),
  ]);
  if (!rates.ok) return rates;
  const [failuresOf, p50Of, p99Of] = [failed, p50, p99].map(byLabels);
  const rows = rates.value.values.map(({ labels, value }) => {
    const name = JSON.stringify(labels);
    const ms = (of: ReadonlyMap<string, number> | undefined): number | null => {
      const seconds = of?.get(name);
      return seconds === undefined ? null : seconds * 1_000;
    };
    const row = { requestsPerSecond: value, failuresPerSecond: failuresOf?.get(name) ?? 0, p50Ms: ms(p50Of), p99Ms: ms(p99Of) };
    return { labels, row };
  });
  return ok({ rows, knownMs: rates.value.knownMs, missing: rates.value.missing });
}

function byLabels(values: Result<Values>): ReadonlyMap<string, number> {
  return new Map(values.ok ? values.value.values.map(({ labels, value }) => [JSON.stringify(labels), value]) : []);
}
