// What a worker exposes beside requests and backends: downstream connections, and what was dropped. All are read, none is kept here.
import { single } from '#lib/metric.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';

/** Where the numbers are. */
export interface WorkerSources {
  /** Addresses of ports that are wanted and cannot be bound. */
  readonly unbound: () => number;
  readonly downstream: () => { readonly open: number; readonly accepted: number; readonly refused: number };
  /** Times that accepting failed, as it does when file descriptors run out. */
  readonly acceptFailures: () => number;
  /** TLS handshakes: those that led to a connection by version, the others by reason; both are few. */
  readonly handshakes: () => { readonly successes: ReadonlyMap<string, number>; readonly failures: ReadonlyMap<string, number> };
  /** Answers of OCSP responders by outcome, certificates without one, and handshakes that lacked one they should have had. */
  readonly ocsp: () => { readonly outcomes: ReadonlyMap<string, number>; readonly missing: number; readonly bare: number };
  /** Connections refused for their header of the PROXY protocol, by reason; few as well. */
  readonly proxyHeaderFailures: () => ReadonlyMap<string, number>;
  /** HTTP/2 connections and streams ended for flooding, by reason. */
  readonly floods: () => ReadonlyMap<string, number>;
  /** HTTP/2 connections ended for errors of their peers, by `side/code`. */
  readonly connectionFailures: () => ReadonlyMap<string, number>;
  /** Memory of request bodies that are taken in before they are sent on. */
  readonly gathered: () => number;
  /** Exceptions of the proxy's own code, by where they were met. */
  readonly bugs: () => ReadonlyMap<string, number>;
  readonly mirrorDrops: () => number;
  readonly accessLogDrops: () => number;
}

export function workerFamilies(sources: WorkerSources): readonly MetricFamily[] {
  const { downstream } = sources;
  return [
    single('weir_downstream_connections_active', 'gauge', 'Open downstream connections', () => downstream().open),
    single('weir_downstream_connections_total', 'counter', 'Downstream connections that were accepted', () => downstream().accepted),
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
    single('weir_request_bodies_gathered_bytes', 'gauge', 'Request bodies that are taken in before they are sent on', sources.gathered),
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

/** What fails has agreed on no version, or on none that matters. */
function handshakeSamples({ successes, failures }: ReturnType<WorkerSources['handshakes']>): readonly Sample[] {
  return [
    ...Array.from(successes, ([version, value]) => ({ labels: { version, result: 'completed' }, value })),
    ...Array.from(failures, ([result, value]) => ({ labels: { version: 'none', result }, value })),
  ];
}
