// Changes never break traffic: routes toggle, endpoints change, files become invalid, and every request gets the right answer.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import type { Echo } from '../support/backend.ts';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { keptConnection, newConnections } from '../support/flows.ts';
import type { Judge } from '../support/flows.ts';
import { traffic } from '../support/traffic.ts';
import type { Flow } from '../support/traffic.ts';
import { until } from '../support/until.ts';

/** Number of changes, and number of answered requests between two changes. */
const TIMES = 12;
const BETWEEN = 60;
/** Time limit for a change to be applied. */
const DEADLINE_MS = 20_000;

const backends = new Map<string, Backend>();
let folder = '';
let port = 0;
let probe = 0;
let weir: Child;

function backendOf(name: string): Backend {
  return backends.get(name) as Backend;
}

function write(file: string, ...documents: readonly string[]): void {
  writeFileSync(path.join(folder, file), documents.join('\n---\n'));
}

function backendDocument(name: string, ...to: readonly string[]): string {
  const endpoints = to.map((each) => `{ ip: 127.0.0.1, port: ${backendOf(each).port} }`).join(', ');
  return `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: ${name} }\nspec: { endpoints: [${endpoints}] }`;
}

function route(name: string, backend: string, filters = '[]'): string {
  const rule = `{ matches: [{ path: { value: /${name} } }], filters: ${filters}, backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: ${backend} }] }`;
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ${name} }\nspec: { parentRefs: [{ name: gw }], rules: [${rule}] }`;
}

const HEADER_FILTER = '[{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-toggled, value: yes }] } }]';

/** A right answer: 200 from one of these backends, with its own path. */
function from(pathname: string, ...names: readonly string[]): Judge {
  return (status, body) => {
    if (status !== 200) return `status ${status}: ${body}`;
    const { backend, url } = JSON.parse(body) as Echo;
    return names.includes(backend) && url === pathname ? null : `went to ${backend} as ${url}`;
  };
}

function flows(pathname: string, ...names: readonly string[]): Flow[] {
  const url = `http://127.0.0.1:${port}${pathname}`;
  const judge = from(pathname, ...names);
  return [keptConnection(url, judge), keptConnection(url, judge), newConnections(url, judge)];
}

/** Repeats changes, each after the previous one is applied and has been followed by traffic. */
async function repeatedly(change: (i: number) => void): Promise<void> {
  for (let i = 0; i < TIMES; i++) {
    const before = await version();
    change(i);
    const deadline = performance.now() + DEADLINE_MS;
    while ((await version()) === before) {
      if (performance.now() > deadline) throw new Error(`change ${i} was not applied`);
      await served(1);
    }
    await served(BETWEEN);
  }
}

/** Resolves when this number of further requests has reached a backend. */
async function served(more: number): Promise<void> {
  const count = () => [...backends.values()].reduce((sum, { requests }) => sum + requests, 0);
  const before = count();
  await until(() => count() >= before + more, 'traffic');
}

/** Number of applied changes. */
async function version(): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${probe}/metrics`)).text();
  return Number(/^weir_config_changes_total (\d+)$/m.exec(text)?.[1]);
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-change-'));
  for (const name of ['a', 'b', 'c']) backends.set(name, await new Backend(name).start());
  [port = 0, probe = 0] = await freePorts(2);
  write(
    'gateway.yaml',
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: gw }\nspec: { gatewayClassName: weir, listeners: [{ name: http, protocol: HTTP, port: ${port} }] }`,
  );
  write('backends.yaml', backendDocument('a', 'a'), backendDocument('b', 'b'), backendDocument('moving', 'a', 'b'));
  write('steady.yaml', route('steady', 'a'), route('moving', 'moving'));
  write('toggled.yaml', route('toggled', 'a'));
  weir = new Child(['up', folder, '--access-log', 'off', '--log-level', 'error', '--probe-port', String(probe)]);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  await Promise.all([...backends.values()].map((backend) => backend.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe('traffic continues', () => {
  test('while a route toggles its backend and its filters', async () => {
    const { requests, failures } = await traffic([...flows('/toggled', 'a', 'b'), ...flows('/steady', 'a')], () =>
      repeatedly((i) => write('toggled.yaml', i % 2 === 0 ? route('toggled', 'b', HEADER_FILTER) : route('toggled', 'a'))),
    );
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(TIMES * 6);
    expect(backendOf('b').requests).toBeGreaterThan(0);
  });

  test('while endpoints come and go', async () => {
    const sets = [['b', 'c'], ['c'], ['a', 'c'], ['a'], ['a', 'b']];
    const { failures } = await traffic([...flows('/moving', 'a', 'b', 'c'), ...flows('/steady', 'a')], () =>
      repeatedly((i) => {
        write(
          'backends.yaml',
          backendDocument('a', 'a'),
          backendDocument('b', 'b'),
          backendDocument('moving', ...(sets[i % sets.length] as string[])),
        );
      }),
    );
    expect(failures).toEqual([]);
    expect(backendOf('c').requests).toBeGreaterThan(0);
  });

  test('while files contain garbage', async () => {
    const garbage = [
      'kind: [',
      '\0\0\0',
      'kind: HTTPRoute',
      route('steady2', 'nowhere'),
      `${'a: &a [*a]\n'}`,
      route('toggled', 'a').replace('/toggled', 'no-slash'),
    ];
    const { failures } = await traffic([...flows('/toggled', 'a', 'b'), ...flows('/steady', 'a')], () =>
      repeatedly((i) => {
        write(i % 2 === 0 ? 'toggled.yaml' : 'garbage.yaml', garbage[i % garbage.length] as string);
        // Garbage causes no change to apply; the next valid content does. Each content is new: a change of the file before may be applied
        // so late that it counts as this one, and a return to the same content would be no change.
        write('others.yaml', route(`other-${i}`, i % 2 === 0 ? 'b' : 'a'));
      }),
    );
    unlinkSync(path.join(folder, 'garbage.yaml'));
    expect(failures).toEqual([]);
  });

  test('while a hundred other routes come and go', async () => {
    const others = Array.from({ length: 100 }, (_, i) => route(`other-${i}`, 'b'));
    const { failures } = await traffic([...flows('/steady', 'a'), ...flows('/moving', 'a', 'b', 'c')], () =>
      // One stays: an empty file is believed only after a while.
      repeatedly((i) => write('others.yaml', ...(i % 2 === 0 ? others : others.slice(0, 1)))),
    );
    expect(failures).toEqual([]);
  });
});
