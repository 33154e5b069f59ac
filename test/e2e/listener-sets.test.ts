// `weir up` with ListenerSets from files: their listeners, routes and policies, and the limits of what they may do to a Gateway.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { status } from '../support/message.ts';
import { RawClient } from '../support/raw-client.ts';
import { ok, RawUpstream } from '../support/raw-upstream.ts';

let upstream: RawUpstream;
let folder = '';
let ports: readonly number[] = [];
let weir: Child;
const clients: RawClient[] = [];

function post(host: string, octets: number): string {
  return `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${octets}\r\n\r\n${'x'.repeat(octets)}`;
}

/** The status of the answer on a new connection. */
async function ask(port: number, bytes: string): Promise<number> {
  const client = await RawClient.connect(ports[port] as number);
  clients.push(client);
  return status(await client.ask(bytes));
}

async function untilAnswered(port: number, bytes: string, wanted: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await ask(port, bytes)) !== wanted) {
    if (performance.now() > deadline) throw new Error(`the answer was never ${wanted}`);
  }
}

function write(file: string, ...documents: string[]): void {
  writeFileSync(path.join(folder, file), documents.join('\n---\n'));
}

function listenerSet(name: string, ...listeners: string[]): string {
  return [
    `apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: { name: ${name}, namespace: apps }`,
    'spec:\n  parentRef: { name: edge, namespace: infra }\n  listeners:',
    ...listeners.map((listener) => `    - { protocol: HTTP, ${listener} }`),
  ].join('\n');
}

function route(name: string, namespace: string, kind: string): string {
  const backend = '{ group: gateway.weir.dev, kind: Backend, name: all }';
  return [
    `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ${name}, namespace: ${namespace} }`,
    `spec: { parentRefs: [{ kind: ${kind}, name: ${name} }], rules: [{ backendRefs: [${backend}] }] }`,
  ].join('\n');
}

function backend(namespace: string): string {
  return `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: all, namespace: ${namespace} }\nspec: { endpoints: [{ ip: 127.0.0.1, port: ${upstream.port} }] }`;
}

function policy(namespace: string, kind: string, name: string, octets: number): string {
  return [
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: ClientTrafficPolicy\nmetadata: { name: ${name}, namespace: ${namespace} }`,
    `spec: { targetRefs: [{ kind: ${kind}, name: ${name} }], limits: { requestBody: ${octets} } }`,
  ].join('\n');
}

beforeAll(async () => {
  upstream = await RawUpstream.start(ok());
  ports = await freePorts(2);
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-sets-'));
  write(
    'gateway.yaml',
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    [
      'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: edge, namespace: infra }\nspec:',
      '  gatewayClassName: weir\n  allowedListeners: { namespaces: { from: All } }',
      `  listeners: [{ name: http, port: ${ports[0]}, protocol: HTTP, hostname: gateway.test }]`,
    ].join('\n'),
    ...[route('edge', 'infra', 'Gateway'), backend('infra'), policy('infra', 'Gateway', 'edge', 20)],
  );
  write(
    'apps.yaml',
    listenerSet('mine', `name: http, port: ${ports[0]}, hostname: apps.test`, `name: other, port: ${ports[1]}`),
    ...[route('mine', 'apps', 'ListenerSet'), backend('apps'), policy('apps', 'ListenerSet', 'mine', 10)],
  );
  weir = new Child(['up', folder, '--admin-port', 'off', '--probe-port', 'off']);
  await weir.printed(/serving/);
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await weir?.stop();
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a ListenerSet', () => {
  test('adds hosts to a port of its Gateway, and ports', async () => {
    await untilAnswered(0, post('apps.test', 1), 200);
    expect(await ask(0, post('gateway.test', 1))).toBe(200);
    expect(await ask(0, post('other.test', 1))).toBe(404);
    expect(await ask(1, post('any.test', 1))).toBe(200);
  });

  test('has its own policies, which do not affect other listeners of a shared port', async () => {
    expect(await ask(1, post('any.test', 10))).toBe(200);
    expect(await ask(1, post('any.test', 11))).toBe(413);
    expect(await ask(0, post('gateway.test', 11))).toBe(200);
    expect(await ask(0, post('gateway.test', 21))).toBe(413);
  });

  test('that is newer does not get the host of an older one until it is free', async () => {
    write(
      'later.yaml',
      listenerSet('z-later', `name: http, port: ${ports[0]}, hostname: apps.test`, `name: own, port: ${ports[0]}, hostname: later.test`),
    );
    write('later-route.yaml', route('z-later', 'apps', 'ListenerSet'));
    await untilAnswered(0, post('later.test', 1), 200);
    await weir.printed(/a listener of a ListenerSet with higher precedence has the same port/);
    write('apps.yaml', backend('apps'));
    await untilAnswered(0, post('apps.test', 1), 200);
  });

  test('is valid in a file', async () => {
    expect(await runWeir(['validate', folder])).toMatchObject({ code: 0 });
  });
});
