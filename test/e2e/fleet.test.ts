// The whole of Weir as it runs in a cluster: a controller and two proxies, each a process of its own, over mTLS, against a real API
// server. What kubectl applies is what both proxies answer.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { startCluster } from '../cluster/cluster.ts';
import type { Account, Cluster } from '../cluster/cluster.ts';
import { addAddress, removeAddress } from '../support/address.ts';
import { Backend } from '../support/backend.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { Child } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { freePorts } from '../support/free-port.ts';
import { documentedRights } from '../support/rights.ts';
import { traffic } from '../support/traffic.ts';
import type { Flow } from '../support/traffic.ts';

/** Where each proxy binds. */
const PROXY_HOSTS = ['127.0.0.2', '127.0.0.3'] as const;
/** The Lease of a controller that was killed runs out after 15 seconds. */
const TAKEOVER_MS = 60_000;

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
}

interface GatewayStatus {
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly { readonly name: string; readonly conditions: readonly Condition[] }[];
}

function gateway(listeners: readonly { readonly name: string; readonly port: number }[]): string {
  const spec = { gatewayClassName: 'weir', listeners: listeners.map((listener) => ({ ...listener, protocol: 'HTTP' })) };
  return JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'gw' }, spec });
}

function service(backend: Backend, address: string): string {
  const { name, port } = backend;
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { clusterIP: None, ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${port}, protocol: TCP }]
endpoints: [{ addresses: [${address}], conditions: { ready: true } }]
`;
}

function route(name: string, backend: string): string {
  const rules = [{ matches: [{ path: { type: 'PathPrefix', value: `/${name}` } }], backendRefs: [{ name: backend, port: 80 }] }];
  const spec = { parentRefs: [{ name: 'gw' }], rules };
  return JSON.stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name }, spec });
}

const GATEWAY_CLASS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
`;

describeWith(['cluster', 'root', 'ip'], 'a controller and two proxies', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-fleet-'));
  const backends = [new Backend('one'), new Backend('two')] as const;
  let address: string;
  let ca: TestCa;
  let certificate: IssuedFiles;
  let cluster: Cluster;
  let account: Account;
  let pushPort: number;
  let port: number;
  let blockedPort: number;
  let controller: Child;
  let proxies: Child[];

  function startController(): Child {
    const { certificate: own, privateKey, ca: signer } = certificate;
    const tls = ['--push-tls-cert', own, '--push-tls-key', privateKey, '--push-tls-ca', signer];
    const addresses = ['--push-address', `127.0.0.1:${pushPort}`, '--metrics-address', '127.0.0.1:0', '--admin-address', '127.0.0.1:0'];
    const names = ['--namespace', 'default', '--addresses', PROXY_HOSTS.join(',')];
    return new Child(['controller', '--kubeconfig', account.kubeconfig, ...names, ...addresses, ...tls]);
  }

  async function startProxy(host: string): Promise<Child> {
    const { certificate: own, privateKey, ca: signer } = await ca.issue(`proxy-${host}`, `URI:spiffe://weir.test/${host}`);
    const tls = [
      '--controller-tls-ca',
      signer,
      '--controller-tls-cert',
      own,
      '--controller-tls-key',
      privateKey,
      '--controller-tls-name',
      'controller.test',
    ];
    const where = ['--controller', `127.0.0.1:${pushPort}`, '--node-id', host, '--bind-address', host];
    const serving = ['--workers', '1', '--access-log', 'off', '--admin-port', 'off', '--probe-port', 'off', '--drain-delay', '0'];
    return new Child(['proxy', ...where, ...tls, ...serving, '--last-good', path.join(folder, `${host}.json`)]);
  }

  /** The backend that answers at a proxy, or the status where none does. */
  async function answer(host: string, target: string): Promise<string> {
    const { statusCode, body } = await request(`http://${host}:${port}${target}`);
    const text = await body.text();
    return statusCode === 200 ? (JSON.parse(text) as { backend: string }).backend : String(statusCode);
  }

  async function bothAnswer(target: string, expected: string): Promise<void> {
    for (const host of PROXY_HOSTS) {
      let last = '';
      const holds = async () => (last = await answer(host, target)) === expected;
      await cluster.until(`${expected} at ${host}${target}`, holds, 15_000).catch((error: unknown) => {
        throw new Error(
          `${String(error)}\nlast: ${last}\n${[controller, ...proxies].map(({ output }) => output.slice(-3_000)).join('\n---\n')}`,
        );
      });
    }
  }

  async function gatewayWhen(holds: (status: GatewayStatus) => boolean, deadline?: number): Promise<void> {
    const ask = async () => holds(((await cluster.object('gateway', 'gw'))['status'] ?? {}) as GatewayStatus);
    await cluster.until('the status of the Gateway', ask, deadline);
  }

  const programmed = ({ conditions = [] }: GatewayStatus) =>
    conditions.some(({ type, status }) => type === 'Programmed' && status === 'True');

  beforeAll(async () => {
    address = addAddress();
    await Promise.all(backends.map((backend) => backend.start(0, address)));
    [pushPort = 0, port = 0, blockedPort = 0] = await freePorts(3);
    [cluster, ca] = await Promise.all([startCluster({ channel: 'standard' }), TestCa.create()]);
    [account, certificate] = await Promise.all([
      cluster.account('controller', documentedRights()),
      ca.issue('controller', 'DNS:controller.test'),
    ]);
    controller = startController();
    proxies = await Promise.all(PROXY_HOSTS.map(startProxy));
    await cluster.apply(GATEWAY_CLASS);
    for (const backend of backends) await cluster.apply(service(backend, address));
    await cluster.apply(gateway([{ name: 'http', port }]));
  }, 60_000);

  afterAll(async () => {
    await Promise.all([controller, ...(proxies ?? [])].map((child) => child?.stop('SIGKILL')));
    await cluster?.stop();
    await ca?.remove();
    await Promise.all(backends.map((backend) => backend.stop()));
    if (address !== undefined) removeAddress(address);
    rmSync(folder, { recursive: true, force: true });
  });

  test('answer what is applied, then what it is changed to, and nothing once it is deleted', async () => {
    await cluster.apply(route('life', 'one'));
    await gatewayWhen(programmed);
    await bothAnswer('/life', 'one');
    await cluster.apply(route('life', 'two'));
    await bothAnswer('/life', 'two');
    await cluster.kubectl(['delete', 'httproute', 'life']);
    await bothAnswer('/life', '404');
  }, 60_000);

  test('what one proxy cannot serve is a condition and an Event, and harms nothing else', async () => {
    const squatter = net.createServer().listen(blockedPort, PROXY_HOSTS[1]);
    await once(squatter, 'listening');
    await cluster.apply(route('unharmed', 'one'));
    await cluster.apply(
      gateway([
        { name: 'http', port },
        { name: 'blocked', port: blockedPort },
      ]),
    );
    await gatewayWhen(({ listeners = [] }) => {
      const blocked = listeners.find(({ name }) => name === 'blocked')?.conditions ?? [];
      return blocked.some(({ type, status, reason }) => type === 'Programmed' && status === 'False' && reason === 'Invalid');
    });
    const events = () => cluster.kubectl(['get', 'events.events.k8s.io', '-o', 'jsonpath={.items[*].reason}']);
    await cluster.until('the Event', async () => (await events()).includes('RefusedByProxy'));
    await bothAnswer('/unharmed', 'one');
    await cluster.apply(gateway([{ name: 'http', port }]));
    await gatewayWhen(programmed);
    await once(squatter.close(), 'close');
  }, 60_000);

  test(
    'a controller that is killed and replaced costs no request, and its successor serves changes',
    async () => {
      await cluster.apply(route('constant', 'one'));
      await bothAnswer('/constant', 'one');
      const judge = (status: number) => (status === 200 ? null : String(status));
      const flows = PROXY_HOSTS.flatMap((host): Flow[] => {
        const url = `http://${host}:${port}/constant`;
        return [
          { url, judge, connections: 'keep-alive' },
          { url, judge, connections: 'new' },
        ];
      });
      const result = await traffic(flows, async () => {
        await controller.stop('SIGKILL');
        controller = startController();
        await cluster.apply(route('successor', 'two'));
        await bothAnswer('/successor', 'two');
      });
      expect(result.failures).toEqual([]);
      expect(result.requests).toBeGreaterThan(100);
    },
    TAKEOVER_MS,
  );

  test(
    'a proxy that starts while no controller is there serves what it served last',
    async () => {
      await cluster.apply(route('kept', 'two'));
      await bothAnswer('/kept', 'two');
      await controller.stop('SIGKILL');
      await proxies[0]!.stop();
      proxies[0] = await startProxy(PROXY_HOSTS[0]);
      await bothAnswer('/kept', 'two');
      controller = startController();
      await cluster.apply(route('caught-up', 'one'));
      await bothAnswer('/caught-up', 'one');
    },
    TAKEOVER_MS,
  );
});
