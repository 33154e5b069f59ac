// Hundreds of long calls during dozens of configuration changes that do not affect them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { CHAT, EchoClient, EchoServer, outcomeOf, status } from './echo.ts';
import type { Outcome } from './echo.ts';

const CLIENTS = 4;
/** The maximum of streams on a connection. */
const STREAMS_PER_CLIENT = 100;
const CHANGES = 40;

let folder = '';
let ports: readonly number[] = [];
let server: EchoServer;
let weir: Child;
let clients: readonly EchoClient[] = [];

function write(file: string, ...documents: readonly string[]): void {
  writeFileSync(path.join(folder, file), documents.join('\n---\n'));
}

function gateway(name: string, port: number | undefined): string {
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: ${name} }\nspec: { gatewayClassName: weir, listeners: [{ name: http, protocol: HTTP, port: ${port} }] }`;
}

function backend(name: string, ...endpoints: readonly number[]): string {
  const list = endpoints.map((port) => `{ ip: 127.0.0.1, port: ${port} }`).join(', ');
  return `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: ${name} }\nspec: { endpoints: [${list}] }`;
}

function grpcRoute(name: string, to: string, service: string): string {
  const rule = `{ matches: [{ method: { service: ${service} } }], backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: ${to} }] }`;
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: { name: ${name} }\nspec: { parentRefs: [{ name: gw }], rules: [${rule}] }`;
}

/** Other routes, other endpoints, another Gateway: each change combines them differently. */
function change(i: number): void {
  const others = Array.from({ length: i % 5 }, (_, n) => grpcRoute(`other-${n}`, 'other', `other.Service${i}`));
  write('others.yaml', backend('other', 9_000 + i, 9_500), ...others, ...(i % 2 === 0 ? [gateway('beside', ports[1])] : []));
}

async function version(): Promise<number> {
  const { body } = await request(`http://127.0.0.1:${ports[2]}/metrics`);
  return Number(/^weir_config_changes_total (\d+)$/m.exec(await body.text())?.[1]);
}

async function applied(after: number): Promise<number> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const current = await version();
    if (current > after) return current;
  }
  throw new Error(`nothing was applied after version ${after}`);
}

beforeAll(async () => {
  server = await EchoServer.start();
  ports = await freePorts(3);
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-streams-'));
  write(
    'all.yaml',
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    ...[gateway('gw', ports[0]), backend('echo', server.port), grpcRoute('echo', 'echo', 'test.Echo')],
  );
  change(0);
  weir = new Child(['up', folder, '--access-log', 'off', '--admin-port', 'off', '--probe-port', String(ports[2]), '--drain-timeout', '1s']);
  await weir.printed(/serving/);
  clients = Array.from({ length: CLIENTS }, () => new EchoClient(ports[0] as number, undefined, { 'grpc.use_local_subchannel_pool': 1 }));
});

afterAll(async () => {
  for (const client of clients) client.close();
  await weir?.stop();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Conversation {
  readonly stream: ReturnType<EchoClient['open']>;
  readonly outcome: Promise<Outcome>;
  heard: number;
  ended: boolean;
}

function converse(client: EchoClient): Conversation {
  const stream = client.open(CHAT);
  const conversation = { stream, outcome: outcomeOf(stream), heard: 0, ended: false };
  stream.on('data', () => conversation.heard++);
  stream.on('status', () => (conversation.ended = true));
  return conversation;
}

test('survive all changes, and end with OK', async () => {
  const all = clients.flatMap((client) => Array.from({ length: STREAMS_PER_CLIENT }, () => converse(client)));
  for (const { stream } of all) stream.write(Buffer.from('first'));
  await until(() => all.every(({ heard }) => heard === 1), 'an answer on every stream');
  let current = await version();
  for (let i = 1; i <= CHANGES; i++) {
    change(i);
    current = await applied(current);
    // Ten of the calls send a message after each change, so that each call sends once.
    const some = all.slice((i - 1) * 10, i * 10);
    for (const { stream } of some) stream.write(Buffer.from('between'));
    await until(() => some.every(({ heard }) => heard === 2), 'an answer after a change');
  }
  expect(all.filter(({ ended }) => ended)).toHaveLength(0);
  for (const { stream } of all) {
    stream.write(Buffer.from('last'));
    stream.end();
  }
  const outcomes = await Promise.all(all.map(({ outcome }) => outcome));
  expect(outcomes.map(({ code, messages }) => `${code} ${messages.join(' ')}`)).toEqual(all.map(() => `${status.OK} first between last`));
}, 120_000);
