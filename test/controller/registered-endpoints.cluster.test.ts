// Two controllers with one PostgreSQL server: what is registered at one reaches both, also after kills of a controller and of the server.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { startCluster } from '../cluster/cluster.ts';
import type { Account, Cluster } from '../cluster/cluster.ts';
import { Child, runWeir } from '../support/child.ts';
import type { Finished } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, gatewayClass, listOf } from '../support/objects.ts';
import { PASSWORD, Postgres } from '../support/postgres.ts';
import { documentedRights } from '../support/rights.ts';

interface Endpoints {
  readonly kind: string;
  readonly key: string;
  readonly endpoints: readonly { readonly address: string; readonly weight?: number }[];
  readonly unresolved?: true;
}

/** A controller as a process, with the ports of its servers. */
interface Controller {
  readonly child: Child;
  readonly probes: string;
  readonly admin: string;
}

const WEIR_API = 'gateway.weir.dev/v1alpha1';
const BACKEND = { apiVersion: WEIR_API, kind: 'Backend', metadata: { name: 'app' }, spec: { registered: {} } };
const ROUTE = {
  ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'app' } },
  spec: { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }] },
};

describeWith(['cluster', 'postgres'], 'controllers with one database', () => {
  let cluster: Cluster;
  let postgres: Postgres;
  let account: Account;
  let folder = '';
  let controllers: Controller[] = [];

  async function start(): Promise<Controller> {
    const free = ['--push-address', '--metrics-address', '--admin-address'].flatMap((flag) => [flag, '127.0.0.1:0']);
    const store = ['--store', postgres.url, '--store-password-file', path.join(folder, 'password')];
    const child = new Child(['controller', '--kubeconfig', account.kubeconfig, '--namespace', 'default', ...free, ...store]);
    const [, probes, admin] = await child.printed(/"probes":(\d+),"admin":(\d+)/);
    await child.printed(/proxies are served/);
    return { child, probes: `127.0.0.1:${probes}`, admin: `127.0.0.1:${admin}` };
  }

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'weir-controllers-'));
    writeFileSync(path.join(folder, 'password'), `${PASSWORD}\n`);
    [cluster, postgres] = await Promise.all([startCluster({ channel: 'standard' }), Postgres.start()]);
    account = await cluster.account('controller', documentedRights());
    await cluster.apply(listOf(gatewayClass(), gateway('gw', [{ name: 'http', port: 80 }]), BACKEND, ROUTE));
    controllers = await Promise.all([start(), start()]);
  });
  afterAll(async () => {
    await Promise.all(controllers.map(({ child }) => child.stop('SIGKILL')));
    await postgres.stop();
    await cluster.stop();
    rmSync(folder, { recursive: true });
  });

  const at = (index: number): Controller => controllers[index] as Controller;
  const weir = ({ admin }: Controller, ...args: readonly string[]): Promise<Finished> =>
    runWeir(['endpoints', ...args, '--controller', admin]);
  const ready = async ({ probes }: Controller) => (await request(`http://${probes}/readyz`)).statusCode;

  /** The endpoints that a controller sends to proxies: addresses, or `unresolved`. */
  async function sent({ admin }: Controller): Promise<readonly string[]> {
    const resources = (await (await request(`http://${admin}/resources`)).body.json()) as readonly Endpoints[];
    const found = resources.find(({ kind, key }) => kind === 'Endpoints' && key.startsWith('Backend/default/app'));
    return found?.unresolved === true ? ['unresolved'] : (found?.endpoints ?? []).map(({ address }) => address);
  }
  const reaches = (controller: Controller, ...addresses: readonly string[]): Promise<void> =>
    cluster.until(addresses.join(), async () => (await sent(controller)).join() === addresses.join());

  test('share what is registered at one of them', async () => {
    expect(await weir(at(0), 'add', 'app', '10.0.0.1:80')).toMatchObject({ code: 0 });
    await Promise.all(controllers.map((controller) => reaches(controller, '10.0.0.1')));
    expect(await weir(at(1), 'add', 'app', '10.0.0.2:80')).toMatchObject({ code: 0 });
    await Promise.all(controllers.map((controller) => reaches(controller, '10.0.0.1', '10.0.0.2')));
    expect(await weir(at(1), 'remove', 'app', '10.0.0.1:80')).toMatchObject({ code: 0 });
    await Promise.all(controllers.map((controller) => reaches(controller, '10.0.0.2')));
  });

  test('refuse endpoints that lead to the proxy itself', async () => {
    const { code, stderr } = await weir(at(0), 'add', 'app', '127.0.0.1:80');
    expect([code, stderr]).toEqual([2, expect.stringContaining('endpoints[0].address: is a loopback address')]);
  });

  test('a controller that is killed after it confirmed has stored it', async () => {
    expect(await weir(at(0), 'add', 'app', '10.0.0.3:80')).toMatchObject({ code: 0 });
    await at(0).child.stop('SIGKILL');
    await reaches(at(1), '10.0.0.2', '10.0.0.3');
    controllers[0] = await start();
    await reaches(at(0), '10.0.0.2', '10.0.0.3');
  });

  test('without the database they stay ready and go on, refuse changes, and start; then all works again', async () => {
    await postgres.kill();
    const refused = await weir(at(0), 'add', 'app', '10.0.0.4:80');
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`the database ${postgres.url} cannot be used`)]);
    await at(1).child.printed(/a source of endpoints does not answer; its last answer stays in use/);
    expect(await Promise.all(controllers.map(ready))).toEqual([200, 200]);
    expect(await Promise.all(controllers.map(sent))).toEqual([
      ['10.0.0.2', '10.0.0.3'],
      ['10.0.0.2', '10.0.0.3'],
    ]);
    const list = await weir(at(0), 'list');
    expect([list.code, list.stderr]).toEqual([0, expect.stringContaining('the list may be out of date')]);
    expect(list.stdout).toContain('10.0.0.3:80');
    await at(0).child.stop('SIGKILL');
    controllers[0] = await start();
    expect([await ready(at(0)), await sent(at(0))]).toEqual([200, ['unresolved']]);
    await postgres.restart();
    await reaches(at(0), '10.0.0.2', '10.0.0.3');
    expect(await weir(at(1), 'add', 'app', '10.0.0.4:80')).toMatchObject({ code: 0 });
    await Promise.all(controllers.map((controller) => reaches(controller, '10.0.0.2', '10.0.0.3', '10.0.0.4')));
  });

  test('never print the password', () => {
    for (const { child } of controllers) expect(child.output).not.toContain(PASSWORD);
  });
});
