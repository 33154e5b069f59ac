// A cluster without any CRD of the Gateway API: the controller runs, reports the remedy, and serves once the CRDs are installed.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import path from 'node:path';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { CRD_FOLDER } from '../cluster/tools.ts';
import { addAddress, removeAddress } from '../support/address.ts';
import { Backend } from '../support/backend.ts';
import { describeWith } from '../support/describe-with.ts';
import { freePorts } from '../support/free-port.ts';
import { Installation } from '../support/installation.ts';
import { gateway, gatewayClass, httpRoute, listOf, serviceOf } from '../support/objects.ts';
import { readable } from '../support/readable.ts';

const HOST = '127.0.0.24';
const BUNDLE = path.join(CRD_FOLDER, 'standard');
const WHAT_TO_DO = /the API server does not know GatewayClass of gateway\.networking\.k8s\.io\/v1: install the CRDs of the Gateway API/;

describeWith(['cluster', 'root', 'ip'], 'a cluster without the Gateway API', () => {
  const backend = new Backend('app');
  let address: string;
  let cluster: Cluster;
  let weir: Installation;
  let port: number;

  beforeAll(async () => {
    address = addAddress();
    await backend.start(0, address);
    [port = 0] = await freePorts(1);
    cluster = await startCluster({ channel: 'standard', weirCrds: false });
    await cluster.kubectl(['delete', '-f', BUNDLE]);
    weir = await Installation.start(cluster, [HOST]);
  });

  afterAll(async () => {
    await weir?.stop();
    await cluster?.stop();
    await backend.stop();
    if (address !== undefined) removeAddress(address);
  });

  test('gets the remedy in log, readiness and metric', async () => {
    await weir.controller.printed(/proxies are served/);
    expect(weir.controller.output).toMatch(WHAT_TO_DO);
    const { status, body } = await weir.probe('/readyz');
    expect([status, body]).toEqual([200, expect.stringMatching(WHAT_TO_DO)]);
    for (const kind of ['GatewayClass', 'Gateway', 'HTTPRoute', 'BackendTrafficPolicy']) {
      expect(await weir.metric(`weir_watch_trouble{kind="${kind}",reason="absent"}`)).toBe(1);
    }
  });

  test('is served by the same process once the CRDs are installed', async () => {
    const { pid } = weir.controller;
    await cluster.kubectl(['apply', '--server-side', '-f', BUNDLE, '-f', path.resolve(import.meta.dirname, '..', '..', 'crds')]);
    const routes = [httpRoute('app', 'app'), ...serviceOf('app', { address, port: backend.port })];
    const apply = () => cluster.apply(listOf(gatewayClass(), gateway('gw', [{ name: 'http', port }]), ...routes));
    await cluster.until('the kinds to be taken', () => apply().then(() => true));
    const ask = async () => (await fetch(`http://${HOST}:${port}/app`, { headers: { connection: 'close' } })).status;
    await cluster.until('an answer', async () => (await ask()) === 200);
    await cluster.until('the condition', async () => (await readable(cluster)).startsWith('True '));
    expect((await weir.probe('/readyz')).body.trim()).toBe('ready');
    expect(weir.controller.pid).toBe(pid);
  });
});
