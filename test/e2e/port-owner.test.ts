// Two proxies with the same port on one machine: without a check the kernel would let their workers share its connections.
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';

let folder = '';
const running: Child[] = [];
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'weir-port-owner-'))));
afterEach(async () => {
  for (const child of running.splice(0)) await child.stop('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder whose listener redirects everything to this host. */
function site(name: string, port: number, protocol = 'HTTP'): string {
  const own = mkdtempSync(path.join(folder, 'site-'));
  const documents = [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: gw }\nspec:\n  gatewayClassName: weir\n  listeners: [{ name: one, protocol: ${protocol}, port: ${port} }]`,
    `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: route }\nspec:\n  parentRefs: [{ name: gw }]\n  rules: [{ filters: [{ type: RequestRedirect, requestRedirect: { hostname: ${name}.test } }] }]`,
  ];
  writeFileSync(path.join(own, 'all.yaml'), documents.join('\n---\n'));
  return own;
}

function up(own: string, workers = 2, ...flags: string[]): Child {
  const ports = ['--admin-port', 'off', '--probe-port', 'off', '--drain-delay', '0s', '--access-log', 'off'];
  const child = new Child(['up', own, '--workers', String(workers), ...ports, ...flags]);
  running.push(child);
  return child;
}

async function answering(port: number): Promise<string> {
  const { headers, body } = await request(`http://127.0.0.1:${port}/`);
  await body.dump();
  return String(headers['location']);
}

const REFUSED = /another Weir proxy with several workers has/;

test.each([1, 2])(
  'the second of two with the port is refused with the reason, and serves once the first is gone (%i workers)',
  async (workers) => {
    const [port = 0] = await freePorts(1);
    const first = up(site('first', port));
    await first.printed(/serving; stop/);
    const second = up(site('second', port), workers);
    await second.printed(workers === 1 ? /EADDRINUSE/ : REFUSED);
    await second.printed(/is not bound to port/);
    expect(second.output).toMatch(/"file":"[^"]*all\.yaml","line":6,"object":"Gateway\/default\/gw","part":"one"/);
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => answering(port))))).toEqual(new Set([`http://first.test:${port}/`]));
    await first.stop();
    await second.printed(/a port is bound at last/);
    expect(await answering(port)).toBe(`http://second.test:${port}/`);
  },
);

test('a proxy for all addresses is refused beside one with a single address of the port', async () => {
  const [port = 0] = await freePorts(1);
  await up(site('first', port), 2, '--bind-address', '127.0.0.1').printed(/serving; stop/);
  await up(site('second', port)).printed(REFUSED);
});

test('two share a port at different addresses', async () => {
  const [port = 0] = await freePorts(1);
  const first = up(site('first', port), 2, '--bind-address', '127.0.0.1');
  await first.printed(/serving; stop/);
  const second = up(site('second', port), 2, '--bind-address', '127.0.0.2');
  await second.printed(/serving; stop/);
  expect(second.output).not.toMatch(REFUSED);
  expect(second.output).not.toContain('is not bound');
});

test('ports for datagrams are held too', async () => {
  const [port = 0] = await freePorts(1);
  await up(site('first', port, 'UDP')).printed(/serving; stop/);
  await up(site('second', port, 'UDP')).printed(REFUSED);
});
