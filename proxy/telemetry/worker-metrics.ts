// What a worker exposes beside its requests: connections on both sides, and what was dropped. All are read, none is kept here.
import { single } from '#lib/metric.ts';
import type { MetricFamily } from '#lib/metric.ts';

/** Where the numbers are. */
export interface WorkerSources {
  /** Addresses of ports that are wanted and cannot be bound. */
  readonly unbound: () => number;
  readonly downstream: () => { readonly open: number; readonly refused: number };
  /** Times that accepting failed, as it does when file descriptors run out. */
  readonly acceptFailures: () => number;
  /** Failed TLS handshakes by reason; the reasons are the listener's own and few. */
  readonly handshakeFailures: () => ReadonlyMap<string, number>;
  /** Answers of OCSP responders by outcome, certificates without one, and handshakes that lacked one they should have had. */
  readonly ocsp: () => { readonly outcomes: ReadonlyMap<string, number>; readonly missing: number; readonly bare: number };
  /** Connections refused for their header of the PROXY protocol, by reason; few as well. */
  readonly proxyHeaderFailures: () => ReadonlyMap<string, number>;
  /** HTTP/2 connections and streams ended for flooding, by reason. */
  readonly floods: () => ReadonlyMap<string, number>;
  /** HTTP/2 connections ended for errors of their peers, by `side/code`. */
  readonly connectionFailures: () => ReadonlyMap<string, number>;
  readonly pools: () => Iterable<{ readonly open: number; readonly idle: number; readonly pending: number; readonly slow: number }>;
  /** Memory of request bodies that are taken in before they are sent on. */
  readonly gathered: () => number;
  /** Attempts that are over, by outcome. */
  readonly attempts: () => Readonly<Record<string, number>>;
  readonly endpoints: () => readonly { readonly address: string; readonly port: number; readonly connectFailures: number }[];
  /** Exceptions of the proxy's own code, by where they were met. */
  readonly bugs: () => ReadonlyMap<string, number>;
  readonly mirrorDrops: () => number;
  readonly accessLogDrops: () => number;
}

export function workerFamilies(sources: WorkerSources): readonly MetricFamily[] {
  const { downstream } = sources;
  return [
    single('weir_downstream_connections_active', 'gauge', 'Open downstream connections', () => downstream().open),
    single('weir_downstream_connections_refused_total', 'counter', 'Connections refused at the limit', () => downstream().refused),
    // Every worker wants the same ports.
    { ...single('weir_listener_ports_unbound', 'gauge', 'Ports of listeners that cannot be bound', sources.unbound), aggregator: 'max' },
    single('weir_accept_failures_total', 'counter', 'Connections that could not be accepted', sources.acceptFailures),
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
      help: 'HTTP/2 connections and streams that were ended for flooding, by reason',
      read: () => [...sources.floods()].map(([reason, value]) => ({ labels: { reason }, value })),
    },
    {
      name: 'weir_http2_connection_errors_total',
      type: 'counter',
      help: 'HTTP/2 connections that were ended for an error of their peer, by side and code',
      read: () => [...sources.connectionFailures()].map(([failure, value]) => ({ labels: sideAndCode(failure), value })),
    },
    ...upstreamFamilies(sources),
    {
      name: 'weir_bugs_total',
      type: 'counter',
      help: 'Exceptions of the code of the proxy, each of which ended what met it, by where that was',
      read: () => [...sources.bugs()].map(([place, value]) => ({ labels: { place }, value })),
    },
    single('weir_mirror_drops_total', 'counter', 'Copies of requests that were not sent, too large or too many', sources.mirrorDrops),
    single('weir_access_log_drops_total', 'counter', 'Lines of the access log that nothing took', sources.accessLogDrops),
  ];
}

function upstreamFamilies(sources: WorkerSources): readonly MetricFamily[] {
  const { endpoints } = sources;
  return [
    single('weir_upstream_connections_open', 'gauge', 'Upstream connections, idle ones included', () => sum(sources.pools(), 'open')),
    single('weir_upstream_connections_idle', 'gauge', 'Upstream connections kept for reuse', () => sum(sources.pools(), 'idle')),
    single('weir_upstream_connections_slow', 'gauge', 'Upstream connections that do not count, for slow clients and long bodies', () =>
      sum(sources.pools(), 'slow'),
    ),
    single('weir_request_bodies_gathered_bytes', 'gauge', 'Request bodies that are taken in before they are sent on', sources.gathered),
    single('weir_upstream_requests_pending', 'gauge', 'Requests that wait for an upstream connection', () =>
      sum(sources.pools(), 'pending'),
    ),
    {
      name: 'weir_upstream_attempts_total',
      type: 'counter',
      help: 'Attempts to have a request answered by an endpoint, by outcome',
      read: () => Object.entries(sources.attempts()).map(([outcome, value]) => ({ labels: { outcome }, value })),
    },
    // Every worker knows the same endpoints.
    { ...single('weir_endpoints', 'gauge', 'Endpoints known', () => endpoints().length), aggregator: 'max' },
    {
      name: 'weir_upstream_connect_failures_total',
      type: 'counter',
      help: 'Connections to an endpoint that could not be made; endpoints without any are left out',
      read: () =>
        endpoints()
          .filter(hasFailed)
          .map(({ address, port, connectFailures }) => ({ labels: { endpoint: endpointName(address, port) }, value: connectFailures })),
    },
  ];
}

function hasFailed({ connectFailures }: { readonly connectFailures: number }): boolean {
  return connectFailures > 0;
}

/** As in a URL. */
function endpointName(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function sideAndCode(failure: string): Record<string, string> {
  const [side = '', code = ''] = failure.split('/');
  return { side, code };
}

function tlsFamilies(sources: WorkerSources): readonly MetricFamily[] {
  return [
    {
      name: 'weir_tls_handshake_failures_total',
      type: 'counter',
      help: 'TLS handshakes that failed, by reason',
      read: () => [...sources.handshakeFailures()].map(([reason, value]) => ({ labels: { reason }, value })),
    },
    {
      name: 'weir_ocsp_fetches_total',
      type: 'counter',
      help: 'Times that the OCSP responder of a certificate was asked, by outcome',
      read: () => [...sources.ocsp().outcomes].map(([outcome, value]) => ({ labels: { outcome }, value })),
    },
    // Every worker serves the same certificates.
    {
      ...single(
        'weir_ocsp_responses_missing',
        'gauge',
        'Certificates to be stapled without a response that holds',
        () => sources.ocsp().missing,
      ),
      aggregator: 'max',
    },
    single(
      'weir_ocsp_must_staple_failures_total',
      'counter',
      'Handshakes without the OCSP response their certificate asks for',
      () => sources.ocsp().bare,
    ),
  ];
}

function sum<Key extends string>(items: Iterable<Readonly<Record<Key, number>>>, key: Key): number {
  let total = 0;
  for (const item of items) total += item[key];
  return total;
}
