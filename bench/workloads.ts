// The measured kinds of traffic: protocols, load generator and origin.
import path from 'node:path';
import { grpcLoad, h2load } from './load/h2load.ts';
import { fullHandshakes, resumedHandshakes } from './load/handshakes.ts';
import type { Load } from './load/load.ts';
import { websocketLoad } from './load/websocket.ts';
import { wrk } from './load/wrk.ts';
import { envoy, tracingEnvoy } from './peers/envoy.ts';
import { cachingHaproxy, haproxy, haproxyLog } from './peers/haproxy.ts';
import { cacheableOrigin, cachingNginx, nginx, origin } from './peers/nginx.ts';
import { cachingWeir } from './peers/secured-weir.ts';
import { tracingWeir, weir, weirLog, weirMetrics } from './peers/weir.ts';
import type { Peer, Traffic } from './scenario.ts';

/** The kind of origin. */
export interface Origin {
  missing(): string | null;
  command(folder: string, port: number): { readonly file: string; readonly args: readonly string[] };
}

/** One kind of traffic. */
export interface Workload extends Traffic {
  readonly load: Load;
  readonly origin: Origin;
  readonly connections: number;
  /** Replaces the list of all peers. */
  readonly peers?: readonly Peer[];
}

const nginxOrigin: Origin = origin;
const nginxH2Origin: Origin = { missing: origin.missing, command: (folder, port) => origin.command(folder, port, 'h2') };

/** An origin of this repository, a separate process. */
function scriptOrigin(name: string): Origin {
  const file = path.resolve(import.meta.dirname, 'origins', `${name}.ts`);
  return { missing: () => null, command: (_, port) => ({ file: process.execPath, args: [file, String(port)] }) };
}

/** Kept connections of HTTP/1.1, one request at a time on each. */
const PLAIN = {
  downstream: 'http1',
  upstream: 'http1',
  tls: false,
  upgrades: false,
  load: wrk,
  origin: nginxOrigin,
  connections: 64,
} as const;
/** The same number of concurrent requests on fewer connections. */
const H2 = { ...PLAIN, downstream: 'h2', load: h2load, connections: 16 } as const;

export const WORKLOADS: Readonly<Record<string, Workload>> = {
  proxy: PLAIN,
  'access-log': { ...PLAIN, peers: [haproxy, haproxyLog, weir, weirLog] },
  tracing: {
    ...PLAIN,
    peers: [
      ...[weir, tracingWeir('weir-trace-1', 1), tracingWeir('weir-trace-100', 100)],
      ...[envoy, tracingEnvoy('envoy-trace-1', 1), tracingEnvoy('envoy-trace-100', 100)],
    ],
  },
  // Weir always counts requests; beside that, metrics of a policy.
  metrics: { ...PLAIN, peers: [haproxy, weir, weirMetrics] },
  // Each proxy without and with its cache: hits of 1 KiB.
  cache: {
    ...PLAIN,
    origin: cacheableOrigin,
    peers: [haproxy, cachingHaproxy, nginx, cachingNginx, weir, cachingWeir('weir-cache')],
  },
  tls: { ...PLAIN, tls: true },
  'h2c-http1': H2,
  'h2-http1': { ...H2, tls: true },
  'h2c-h2c': { ...H2, upstream: 'h2', origin: nginxH2Origin },
  grpc: { ...H2, upstream: 'h2', load: grpcLoad, origin: scriptOrigin('grpc') },
  'handshakes-full': { ...PLAIN, tls: true, load: fullHandshakes, connections: 8 },
  'handshakes-resumed': { ...PLAIN, tls: true, load: resumedHandshakes, connections: 8 },
  websocket: { ...PLAIN, upgrades: true, load: websocketLoad, origin: scriptOrigin('websocket') },
  tcp: { ...PLAIN, downstream: 'tcp', upstream: 'tcp' },
};
