// The nodes of a test cluster: process 1 of new namespaces, so that all its processes end with it in any case. Its argument is the folder
// with the settings from the test.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeCompileCache } from '../../support/compile-cache.ts';
import { nodeAddress } from './address-plan.ts';
import type { AddressPlan } from './address-plan.ts';
import { Api } from './api.ts';
import { ip, run } from './command.ts';
import { Configuration } from './configuration.ts';
import { Dns } from './dns.ts';
import { Events } from './events.ts';
import { Kubelet } from './kubelet.ts';
import { serveKubelet } from './kubelet-server.ts';
import { LoadBalancer } from './load-balancer.ts';
import type { ConfigMap, EndpointSlice, KubeObject, Node, Pod, Secret, Service } from './objects.ts';
import { Reflector } from './reflector.ts';
import { register } from './registration.ts';
import { AddressPool } from './sandbox.ts';
import { Scheduler } from './scheduler.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { SETTINGS_FILE, UPLINK } from './settings.ts';
import type { NodeSettings } from './settings.ts';

const POLL_MS = 20;

/** The test writes the settings once the link to its machine exists. */
async function readSettings(folder: string): Promise<NodeSettings> {
  const file = path.join(folder, SETTINGS_FILE);
  while (!existsSync(file)) await delay(POLL_MS);
  return JSON.parse(readFileSync(file, 'utf8')) as NodeSettings;
}

async function openNetwork(plan: AddressPlan, nodes: readonly string[]): Promise<void> {
  // Names of network namespaces are files; this mount makes them private.
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'run', '/run']);
  for (const setting of ['ip_forward=1', 'conf/all/rp_filter=0', 'conf/default/rp_filter=0', 'conf/all/send_redirects=0']) {
    const [name = '', value = ''] = setting.split('=');
    writeFileSync(`/proc/sys/net/ipv4/${name}`, value);
  }
  await ip([
    'link set lo up',
    `address add ${plan.gateway}/32 dev ${UPLINK}`,
    `link set ${UPLINK} up`,
    `route add ${plan.host}/32 dev ${UPLINK}`,
    ...[plan.dns, ...nodes].map((address) => `address add ${address}/32 dev lo`),
    // Provides a route; the rules refuse addresses without endpoints on it.
    ...[plan.services, plan.balancers].map((range) => `route add ${range} dev lo`),
  ]);
}

function follow<T extends KubeObject>(api: Api, path: string): Reflector<T> {
  return new Reflector<T>(api, path);
}

async function untilReady(api: Api): Promise<void> {
  while (!(await api.get<KubeObject>('/api/v1/namespaces/kube-system').catch(() => null))) await delay(POLL_MS);
}

async function main(folder: string): Promise<void> {
  makeCompileCache();
  const settings = await readSettings(folder);
  const { plan } = settings;
  const nodes = settings.nodes.map((_, number) => nodeAddress(plan, number));
  await openNetwork(plan, nodes);
  const api = new Api(settings);
  await untilReady(api);
  const pods = follow<Pod>(api, '/api/v1/pods');
  const cordons = follow<Node>(api, '/api/v1/nodes');
  const services = follow<Service>(api, '/api/v1/services');
  const slices = follow<EndpointSlice>(api, '/apis/discovery.k8s.io/v1/endpointslices');
  const configMaps = follow<ConfigMap>(api, '/api/v1/configmaps');
  const secrets = follow<Secret>(api, '/api/v1/secrets');
  const configuration = new Configuration(configMaps, secrets, services);
  const addresses = new ServiceAddresses(services, slices, plan, nodes);
  new LoadBalancer(api, services, plan);
  await Promise.all([services.start(), slices.start(), configMaps.start(), secrets.start()]);
  await addresses.start();
  await new Dns(services, slices).listen(plan.dns);
  const kubelet = new Kubelet(pods, { api, settings, configuration, addresses: new AddressPool(plan), events: new Events(api) });
  new Scheduler(api, { pods, cordons }, settings.nodes);
  for (const [number, address] of nodes.entries()) {
    await serveKubelet(kubelet, settings, address);
    await register(api, settings, number);
  }
  await cordons.start();
  await pods.start();
}

await main(process.argv[2] ?? '');
