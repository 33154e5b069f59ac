// Metrics of downstream connections, TLS, bugs and drops of a worker. Each scrape reads the counters.
import { single } from '#lib/metric.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';

/** The sources of the values. */
export interface WorkerSources {
  /** The number of listener addresses that the worker cannot bind. */
  readonly unbound: () => number;
  /** Connections refused because operators block their peers. */
  readonly blocked: () => number;
  readonly downstream: () => { readonly open: number; readonly accepted: number; readonly refused: number };
  /** Failed accepts, for example without free file descriptors. */
  readonly acceptFailures: () => number;
  /** TLS handshakes: completed ones by version, failed ones by reason. */
  readonly handshakes: () => { readonly successes: ReadonlyMap<string, number>; readonly failures: ReadonlyMap<string, number> };
  /** Answers of OCSP responders by outcome, certificates without a response, and handshakes without a required response. */
  readonly ocsp: () => { readonly outcomes: ReadonlyMap<string, number>; readonly missing: number; readonly bare: number };
  /** Connections refused for their header of the PROXY protocol, by reason. */
  readonly proxyHeaderFailures: () => ReadonlyMap<string, number>;
  /** HTTP/2 connections and streams ended for flooding, by reason. */
  readonly floods: () => ReadonlyMap<string, number>;
  /** HTTP/2 connections ended for errors of their peers, by `side/code`. */
  readonly connectionFailures: () => ReadonlyMap<string, number>;
  /** Requests and connections refused for overload, by `stage/cause/priority`, and the severity of each sign of it. */
  readonly shed: () => ReadonlyMap<string, number>;
  readonly overload: () => ReadonlyMap<string, number>;
  /** Bytes of buffered request bodies. */
  readonly gathered: () => number;
  /** Exceptions of the proxy's own code, by place. */
  readonly bugs: () => ReadonlyMap<string, number>;
  readonly mirrorDrops: () => number;
  readonly accessLogDrops: () => number;
  readonly syslogDrops: () => number;
}

function connectionFamilies({ downstream, blocked }: Pick<WorkerSources, 'downstream' | 'blocked'>): readonly MetricFamily[] {
  return [
    single('weir_downstream_connections_active', 'gauge', 'Open downstream connections', () => downstream().open),
    single('weir_downstream_connections_total', 'counter', 'Accepted downstream connections', () => downstream().accepted),
    single('weir_downstream_connections_refused_total', 'counter', 'Connections refused at the limit', () => downstream().refused),
    single('weir_downstream_connections_blocked_total', 'counter', 'Connections refused because operators block their peers', blocked),
  ];
}

export function workerFamilies(sources: WorkerSources): readonly MetricFamily[] {
  return [
    ...connectionFamilies(sources),
    // All workers bind the same ports.
    { ...single('weir_listener_ports_unbound', 'gauge', 'Ports of listeners that cannot be bound', sources.unbound), aggregator: 'max' },
    single('weir_accept_failures_total', 'counter', 'Failed accepts of connections', sources.acceptFailures),
    {
      name: 'weir_proxy_protocol_failures_total',
      type: 'counter',
      help: 'Connections refused for their header of the PROXY protocol, by reason',
      read: () => [...sources.proxyHeaderFailures()].map(([reason, value]) => ({ labels: { reason }, value })),
    },
    ...tlsFamilies(sources),
    {
      name: 'weir_http2_floods_total',
      type: 'counter',
      help: 'HTTP/2 connections and streams ended for flooding, by reason',
      read: () => [...sources.floods()].map(([reason, value]) => ({ labels: { reason }, value })),
    },
    {
      name: 'weir_http2_connection_errors_total',
      type: 'counter',
      help: 'HTTP/2 connections ended for an error of the peer, by side and code',
      read: () => [...sources.connectionFailures()].map(([failure, value]) => ({ labels: sideAndCode(failure), value })),
    },
    ...overloadFamilies(sources),
    single('weir_request_bodies_gathered_bytes', 'gauge', 'Request bodies that the proxy buffers before it sends them', sources.gathered),
    {
      name: 'weir_bugs_total',
      type: 'counter',
      help: "Exceptions of the proxy's own code, by place; each ended one exchange or connection",
      read: () => [...sources.bugs()].map(([place, value]) => ({ labels: { place }, value })),
    },
    single('weir_mirror_drops_total', 'counter', 'Copies of requests not sent: too large or too many', sources.mirrorDrops),
    ...logFamilies(sources),
  ];
}

function logFamilies(sources: Pick<WorkerSources, 'accessLogDrops' | 'syslogDrops'>): readonly MetricFamily[] {
  return [
    single('weir_access_log_drops_total', 'counter', 'Dropped lines of the access log', sources.accessLogDrops),
    single(
      'weir_access_log_syslog_drops_total',
      'counter',
      'Lines of the access log dropped before the syslog server',
      sources.syslogDrops,
    ),
  ];
}

function overloadFamilies({ shed, overload }: WorkerSources): readonly MetricFamily[] {
  return [
    {
      name: 'weir_shed_total',
      type: 'counter',
      help: 'Requests and connections refused because the worker is overloaded',
      read: () =>
        Array.from(shed(), ([key, value]) => {
          const [stage = '', cause = '', priority = ''] = key.split('/');
          return { labels: { stage, cause, priority }, value };
        }),
    },
    {
      name: 'weir_overload_severity',
      type: 'gauge',
      help: 'How overloaded a worker is, by signal: requests are refused from 1, all of them at 4',
      read: () => Array.from(overload(), ([signal, value]) => ({ labels: { signal }, value })),
      // Workers are overloaded separately.
      aggregator: 'max',
    },
  ];
}

function sideAndCode(failure: string): Record<string, string> {
  const [side = '', code = ''] = failure.split('/');
  return { side, code };
}

function tlsFamilies(sources: WorkerSources): readonly MetricFamily[] {
  return [
    {
      name: 'weir_tls_handshakes_total',
      type: 'counter',
      help: 'TLS handshakes, by version and result',
      read: () => handshakeSamples(sources.handshakes()),
    },
    {
      name: 'weir_ocsp_fetches_total',
      type: 'counter',
      help: 'Requests to OCSP responders, by outcome',
      read: () => [...sources.ocsp().outcomes].map(([outcome, value]) => ({ labels: { outcome }, value })),
    },
    // All workers serve the same certificates.
    {
      ...single(
        'weir_ocsp_responses_missing',
        'gauge',
        'Certificates without a valid OCSP response to staple',
        () => sources.ocsp().missing,
      ),
      aggregator: 'max',
    },
    single(
      'weir_ocsp_must_staple_failures_total',
      'counter',
      'Handshakes without the OCSP response that the certificate requires',
      () => sources.ocsp().bare,
    ),
  ];
}

/** Failed handshakes have no version. */
function handshakeSamples({ successes, failures }: ReturnType<WorkerSources['handshakes']>): readonly Sample[] {
  return [
    ...Array.from(successes, ([version, value]) => ({ labels: { version, result: 'completed' }, value })),
    ...Array.from(failures, ([result, value]) => ({ labels: { version: 'none', result }, value })),
  ];
}
