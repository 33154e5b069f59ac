// Metrics of backends and their endpoints: attempts, answers, failures, times and connections. Each scrape reads the counters.
import type { BreakerState } from '#api/wire/breaker-state.ts';
import type { UpstreamEndpoint } from '../exchange/plan.ts';
import type { BackendCounts, EndpointCounts } from '../exchange/upstream-counts.ts';
import { joinAddress } from '#lib/host-port.ts';
import type { Histogram } from '#lib/histogram.ts';
import type { Labels, MetricFamily, Sample } from '#lib/metric.ts';

/** Connections of one pool. */
interface PoolCounts {
  readonly open: number;
  readonly idle: number;
  readonly pending: number;
  readonly slow: number;
}

/** The current state of a backend. */
export interface BackendState {
  readonly counts: BackendCounts;
  readonly endpoints: readonly { readonly counts: readonly PoolCounts[] }[];
  /** `highest`: the highest adaptive limit of any use of the backend; 0 without one. */
  readonly adaptive: { readonly highest: number };
  readonly breakerState: BreakerState;
}

/** The sources of the values. */
export interface UpstreamSources {
  readonly counts: () => Iterable<BackendCounts>;
  readonly backends: () => Iterable<BackendState>;
}

const FIRST_BYTE = 'weir_endpoint_first_byte_seconds';

export function upstreamFamilies({ counts, backends }: UpstreamSources): readonly MetricFamily[] {
  const ofEndpoints = endpointFamily(counts);
  const times = timeFamily(counts);
  const gauge = gaugeFamily(backends);
  return [
    ofEndpoints('weir_upstream_attempts_total', 'counter', 'Attempts of requests, by outcome', outcomeSamples),
    ofEndpoints('weir_upstream_responses_total', 'counter', 'Answers of endpoints, by class of status', classSamples),
    ofEndpoints('weir_upstream_failures_total', 'counter', 'Attempts that failed, by code', failureSamples),
    ofEndpoints('weir_upstream_connect_failures_total', 'counter', 'Failed connects', connectFailureSamples),
    ...backendFamilies(counts),
    ofEndpoints('weir_upstream_ejections_total', 'counter', 'Ejections of endpoints, by cause', ejectionSamples),
    ofEndpoints(
      FIRST_BYTE,
      'histogram',
      'Time from the start of a request on its connection to the head of the answer, by endpoint',
      firstByteSamples,
    ),
    times(
      'weir_upstream_first_byte_seconds',
      'Time from the start of a request on its connection to the head of the answer',
      (each) => each.firstByte,
    ),
    times('weir_upstream_connect_seconds', 'Time to connect, TLS included', (each) => each.connect),
    times('weir_upstream_queue_seconds', 'Time that waiting attempts waited for a connection', (each) => each.queue),
    gauge('weir_upstream_connections_open', 'Upstream connections, idle ones included', (pool) => pool.open),
    gauge('weir_upstream_connections_idle', 'Upstream connections kept for reuse', (pool) => pool.idle),
    gauge('weir_upstream_connections_slow', 'Extra upstream connections for slow clients and long bodies', (pool) => pool.slow),
    gauge('weir_upstream_requests_pending', 'Requests that wait for an upstream connection', (pool) => pool.pending),
    adaptiveFamily(backends),
    // All workers have the same endpoints.
    { ...endpointsFamily(backends), aggregator: 'max' },
    { ...breakerFamily(backends), aggregator: 'max' },
  ];
}

/** Retries and the queue. */
function backendFamilies(counts: UpstreamSources['counts']): readonly MetricFamily[] {
  const ofBackends = backendFamily(counts);
  return [
    ofBackends('weir_upstream_retries_total', 'Attempts of requests after the first, by reason', 'reason', (each) => each.retries),
    ofBackends(
      'weir_upstream_retries_withheld_total',
      'Attempts that a plan allows and that were not made, by reason',
      'reason',
      (each) => each.withheldRetries,
    ),
    ofBackends('weir_upstream_hedges_total', 'Attempts that began while another was under way, by result', 'result', (each) => each.hedges),
    ofBackends('weir_upstream_breaker_opens_total', 'Circuit breakers that opened, by cause', 'cause', (each) => each.breakersOpened),
    ofBackends(
      'weir_upstream_queue_refusals_total',
      'Attempts that left the queue for connections without one, by cause and priority',
      'cause/priority',
      (each) => each.queueRefusals,
    ),
  ];
}

type EndpointSamples = (labels: Labels, counts: EndpointCounts) => readonly Sample[];

function endpointFamily(counts: UpstreamSources['counts']) {
  return (name: string, type: MetricFamily['type'], help: string, samples: EndpointSamples): MetricFamily => ({
    name,
    type,
    help,
    read: () => [...counts()].flatMap((backend) => ofBackend(backend, samples)),
  });
}

function ofBackend({ backend, endpoints, others }: BackendCounts, samples: EndpointSamples): readonly Sample[] {
  return [
    ...[...endpoints].flatMap(([endpoint, counts]) => samples({ backend, endpoint: endpointName(endpoint) }, counts)),
    ...samples({ backend, endpoint: 'other' }, others),
  ];
}

/** Counters of backends with further labels (`a/b`), whose values are the keys of a map (`x/y`). */
function backendFamily(counts: UpstreamSources['counts']) {
  type Pick = (backend: BackendCounts) => ReadonlyMap<string, number> | null;
  return (name: string, help: string, label: string, pick: Pick): MetricFamily => {
    const names = label.split('/');
    const further = (key: string) => Object.fromEntries(key.split('/').map((value, index) => [names[index] as string, value]));
    const samples = (each: BackendCounts): readonly Sample[] =>
      Array.from(pick(each) ?? [], ([key, value]) => ({ labels: { backend: each.backend, ...further(key) }, value }));
    return { name, type: 'counter', help, read: () => [...counts()].flatMap(samples) };
  };
}

function timeFamily(counts: UpstreamSources['counts']) {
  return (name: string, help: string, pick: (backend: BackendCounts) => Histogram): MetricFamily => {
    const read = () =>
      [...counts()].filter((each) => pick(each).total > 0).flatMap((each) => pick(each).samples(name, { backend: each.backend }));
    return { name, type: 'histogram', help, read };
  };
}

function gaugeFamily(backends: UpstreamSources['backends']) {
  return (name: string, help: string, pick: (pool: PoolCounts) => number): MetricFamily => ({
    name,
    type: 'gauge',
    help,
    read: () =>
      sumByBackend(backends(), ({ endpoints }) => endpoints.flatMap((each) => each.counts).reduce((sum, pool) => sum + pick(pool), 0)),
  });
}

function endpointsFamily(backends: UpstreamSources['backends']): MetricFamily {
  const read = () => sumByBackend(backends(), ({ endpoints }) => endpoints.length);
  return { name: 'weir_endpoints', type: 'gauge', help: 'Endpoints known', read };
}

/** The workers share the limit. */
function adaptiveFamily(backends: UpstreamSources['backends']): MetricFamily {
  const read = () => some(sumByBackend(backends(), ({ adaptive }) => adaptive.highest));
  return { name: 'weir_upstream_adaptive_limit', type: 'gauge', help: 'Requests that may wait for an answer of the backend', read };
}

/** -1: no breaker. */
const BREAKER_VALUES: Readonly<Record<BreakerState, number>> = {
  '': -1,
  closed: 0,
  'forced-closed': 0,
  'half-open': 1,
  open: 2,
  'forced-open': 2,
};

/** Backends without a breaker have no series; of those with the label `other` the worst counts. */
function breakerFamily(backends: UpstreamSources['backends']): MetricFamily {
  const read = (): readonly Sample[] => {
    const worst = new Map<string, number>();
    for (const { counts, breakerState } of backends()) {
      const value = BREAKER_VALUES[breakerState];
      if (value >= 0) worst.set(counts.backend, Math.max(worst.get(counts.backend) ?? 0, value));
    }
    return Array.from(worst, ([backend, value]) => ({ labels: { backend }, value }));
  };
  return { name: 'weir_upstream_breaker_state', type: 'gauge', help: 'Circuit breakers: 0 closed, 1 half-open, 2 open', read };
}

/** Backends with the label `other` count as one. */
function sumByBackend(backends: Iterable<BackendState>, valueOf: (backend: BackendState) => number): readonly Sample[] {
  const sums = new Map<string, number>();
  for (const each of backends) sums.set(each.counts.backend, (sums.get(each.counts.backend) ?? 0) + valueOf(each));
  return Array.from(sums, ([backend, value]) => ({ labels: { backend }, value }));
}

function outcomeSamples(labels: Labels, { byOutcome }: EndpointCounts): readonly Sample[] {
  return some(Object.entries(byOutcome).map(([outcome, value]) => ({ labels: { ...labels, outcome }, value })));
}

function classSamples(labels: Labels, { byClass }: EndpointCounts): readonly Sample[] {
  return some(Array.from(byClass, (value, index) => ({ labels: { ...labels, status_class: `${index}xx` }, value })));
}

function failureSamples(labels: Labels, { failures }: EndpointCounts): readonly Sample[] {
  return Array.from(failures ?? [], ([code, value]) => ({ labels: { ...labels, code }, value }));
}

function ejectionSamples(labels: Labels, { ejections }: EndpointCounts): readonly Sample[] {
  return Array.from(ejections ?? [], ([cause, value]) => ({ labels: { ...labels, cause }, value }));
}

function connectFailureSamples(labels: Labels, { connectFailures }: EndpointCounts): readonly Sample[] {
  return some([{ labels, value: connectFailures }]);
}

function firstByteSamples(labels: Labels, { firstByte }: EndpointCounts): readonly Sample[] {
  return firstByte.total === 0 ? [] : firstByte.samples(FIRST_BYTE, labels);
}

/** Omits zeros. */
function some(samples: readonly Sample[]): readonly Sample[] {
  return samples.filter(({ value }) => value > 0);
}

/** The endpoint as URLs write it. */
export function endpointName({ address, port }: Pick<UpstreamEndpoint, 'address' | 'port'>): string {
  return joinAddress(address, port);
}
