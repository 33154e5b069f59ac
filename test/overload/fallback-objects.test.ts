// A fallback backend from files of `weir up`: its permission, the policy of a backend that no route refers to, and `weir explain`.
import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Child, runWeir } from '../support/child.ts';
import { closeAfterEach, get, openClient, openUpstream } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { status } from '../support/message.ts';
import { gateway, gatewayClass, httpRoute, listOf } from '../support/objects.ts';
import { ok } from '../support/raw-upstream.ts';

closeAfterEach();

const API = 'gateway.weir.dev/v1alpha1';
const BUSY = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';

const GRANT = {
  ...{ apiVersion: 'gateway.networking.k8s.io/v1beta1', kind: 'ReferenceGrant', metadata: { name: 'spare', namespace: 'spares' } },
  spec: {
    from: [{ group: 'gateway.weir.dev', kind: 'BackendTrafficPolicy', namespace: 'default' }],
    to: [{ group: 'gateway.weir.dev', kind: 'Backend' }],
  },
};

/** A Gateway with a route to the Service `app` without endpoints, whose fallback is a Backend of another namespace. */
function site(port: number, spare: number): string {
  return listOf(
    gatewayClass(),
    gateway('gw', [{ name: 'http', port }]),
    httpRoute('app', 'app'),
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'app' }, spec: { ports: [{ port: 80 }] } },
    {
      ...{ apiVersion: API, kind: 'Backend', metadata: { name: 'spare', namespace: 'spares' } },
      spec: { endpoints: [{ ip: '127.0.0.1', port: spare }] },
    },
    {
      ...{ apiVersion: API, kind: 'BackendTrafficPolicy', metadata: { name: 'app' } },
      spec: {
        targetRefs: [{ group: '', kind: 'Service', name: 'app' }],
        fallback: { backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name: 'spare', namespace: 'spares' } },
      },
    },
    {
      ...{ apiVersion: API, kind: 'BackendTrafficPolicy', metadata: { name: 'spare', namespace: 'spares' } },
      spec: {
        targetRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'spare' }],
        retry: { attempts: 1, backoff: '1ms', codes: [503] },
      },
    },
  );
}

let folder = '';
let child: Child | null = null;
afterEach(async () => {
  await child?.stop('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('a fallback of another namespace needs a grant, and has its own policy', async () => {
  let busy = 0;
  const spare = await openUpstream(() => (busy-- > 0 ? BUSY : ok('spare')));
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-fallback-'));
  const grant = path.join(folder, 'grant.json');
  writeFileSync(path.join(folder, 'site.json'), site(port, spare.port));
  writeFileSync(grant, JSON.stringify(GRANT));
  child = new Child(['up', folder, '--access-log', 'off', '--store', 'off', '--admin-port', String(adminPort)]);
  await child.printed(/serving; stop with/);
  const ask = async (): Promise<number> => status(await (await openClient(port)).ask(get('/app')));
  busy = 1;
  expect(await ask()).toBe(200);
  expect(spare.requests.length).toBe(2);

  const { stdout } = await runWeir(['explain', `http://127.0.0.1:${port}/app`, '--config', folder]);
  expect(stdout).toContain('fallback.backendRef Backend/spares/spare: BackendTrafficPolicy/default/app, Service/default/app');
  expect(stdout).toMatch(/settings of fallback Backend\/spares\/spare\n {2}retry.attempts 1: BackendTrafficPolicy\/spares\/spare/);

  rmSync(grant);
  while ((await ask()) !== 503);
  const checked = await runWeir(['validate', folder]);
  expect(checked.stdout).toContain('spec.fallback.backendRef: RefNotPermitted: no ReferenceGrant permits BackendTrafficPolicy');
});
