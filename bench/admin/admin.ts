// The admin API with a long audit log and many routes: times of requests one after the other, and of others while the whole log is verified.
// CPU time of the process per request tells more than the time on a busy machine.
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { spawn, type ChildProcess } from 'node:child_process';
import { Pool } from 'undici';
import { cpuMicros, quit, residentMiB } from '../process.ts';
import { fillFolder, NAMESPACE, routeOf } from './folder.ts';
import { fillStore, forgetUsers, RARE } from './store.ts';

const PROCESS = path.resolve(import.meta.dirname, 'process.ts');

/** One kind of request. Times in milliseconds, CPU in milliseconds of all threads. */
export interface AdminResult {
  readonly request: string;
  readonly requests: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
  /** Resident memory after them, MiB. */
  readonly memory: number;
}

export interface AdminBenchOptions {
  readonly entries: number;
  readonly routes: number;
  /** Of each kind. */
  readonly requests: number;
  /** A folder that keeps the filled store for the next run; '' for a temporary one. */
  readonly folder: string;
}

interface Target {
  readonly child: ChildProcess;
  readonly pool: Pool;
  readonly headers: Readonly<Record<string, string>>;
}

interface Ask {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly body?: unknown;
}

/** Runs all kinds of requests. */
export async function benchAdmin({ entries, routes, requests, folder }: AdminBenchOptions): Promise<readonly AdminResult[]> {
  const place = folder === '' ? mkdtempSync(path.join(os.tmpdir(), 'weir-admin-')) : folder;
  const [file, configuration] = [path.join(place, `audit-${entries}.sqlite`), path.join(place, `routes-${routes}`)];
  if (existsSync(file)) forgetUsers(file);
  else await fillStore(file, entries);
  fillFolder(configuration, routes);
  const target = await start(file, configuration);
  try {
    const results: AdminResult[] = [];
    for (const [name, ask] of Object.entries(asks(entries, routes))) {
      await send(target, ask(0));
      results.push(await measure(target, name, requests, ask));
    }
    return [...results, ...(await measureVerify(target, requests))];
  } finally {
    await target.pool.destroy();
    await quit(target.child);
    if (folder === '') rmSync(place, { recursive: true, force: true });
  }
}

async function start(file: string, configuration: string): Promise<Target> {
  const child = spawn(process.execPath, [PROCESS, file, configuration], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { url, password } = JSON.parse(line) as { readonly url: string; readonly password: string };
  const pool = new Pool(url, { connections: 8, headersTimeout: 0, bodyTimeout: 0 });
  const body = JSON.stringify({ user: 'admin', password });
  const login = await pool.request({ method: 'POST', path: '/api/v1/login', headers: { 'content-type': 'application/json' }, body });
  const { csrfToken } = (await login.body.json()) as { readonly csrfToken: string };
  const cookie = String(login.headers['set-cookie']).split(';', 1)[0] ?? '';
  const headers = { cookie, 'weir-csrf-token': csrfToken, 'sec-fetch-site': 'same-origin' };
  return { child, pool, headers };
}

/** The requests, by their number. */
function asks(entries: number, routes: number): Readonly<Record<string, (i: number) => Ask>> {
  const audit = (query: string): Ask => ({ method: 'GET', path: `/audit/entries?limit=50&${query}` });
  const route = (i: number): string => `/configuration/HTTPRoute/${NAMESPACE}/route-${(i * 7919) % routes}`;
  const cursor = (i: number): string => Buffer.from(`${NAMESPACE}/route-${(i * 7919) % routes}`).toString('base64url');
  const merge = (i: number): object => ({ merge: { metadata: { annotations: { change: String(i) } } } });
  const change = (i: number): object => ({
    ...{ operation: 'patch', kind: 'HTTPRoute', namespace: NAMESPACE, name: `route-${(i * 7919) % routes}` },
    merge: { spec: { hostnames: [`changed-${i}.example.com`] } },
  });
  return {
    'audit list': (i) => audit(`cursor=${entries - ((i * 7919) % entries)}`),
    'audit get': (i) => ({ method: 'GET', path: `/audit/entries/${1 + ((i * 7919) % entries)}` }),
    'audit by object': (i) => audit(`object=HTTPRoute/team-${i % 20}/route-${i % 5_000}`),
    'audit by actor and outcome': (i) => audit(`actor=user-${i % 50}&outcome=refused`),
    'audit of a rare operation': (i) => audit(`operation=${RARE.operation}&outcome=success&actorId=user-${i % 50}`),
    'audit of no entry': (i) => audit(`outcome=failed&actor=user-${i % 50}`),
    'audit by actor, far back': (i) => audit(`actor=user-${i % 50}&operation=${RARE.operation}&outcome=success`),
    'audit by time': (i) => audit(`since=${new Date(Date.now() - (i % 290) * 86_400_000).toISOString()}&namespace=team-${i % 20}`),
    'configuration list': (i) => ({ method: 'GET', path: `/configuration/HTTPRoute?limit=100&cursor=${cursor(i)}` }),
    'configuration by label': (i) => ({ method: 'GET', path: `/configuration/HTTPRoute?limit=100&labelSelector=team%3Dteam-${i % 20}` }),
    'configuration get': (i) => ({ method: 'GET', path: route(i) }),
    'dry run': (i) => ({ method: 'POST', path: '/dry-runs', body: { changes: [change(i)] } }),
    apply: (i) => ({ method: 'PATCH', path: route(i), body: merge(i) }),
    create: (i) => ({
      method: 'POST',
      path: `/configuration/HTTPRoute/${NAMESPACE}`,
      body: { object: routeOf(routes + i + Math.floor(Math.random() * 1e9)) },
    }),
  };
}

async function send({ pool, headers }: Target, { method, path: target, body }: Ask): Promise<number> {
  const started = performance.now();
  const answer = await pool.request({
    method,
    path: `/api/v1${target}`,
    headers: {
      ...headers,
      ...(method === 'PATCH' ? { 'if-match': '*' } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${method} ${target}: ${answer.statusCode} ${text}`);
  return performance.now() - started;
}

async function measure(target: Target, request: string, requests: number, ask: (i: number) => Ask): Promise<AdminResult> {
  const cpu = cpuMicros(target.child.pid ?? 0);
  const times: number[] = [];
  for (let i = 1; i <= requests; i++) times.push(await send(target, ask(i)));
  return resultOf(target, request, times, cpu);
}

/** One check of the whole log, and other requests meanwhile. */
async function measureVerify(target: Target, requests: number): Promise<readonly AdminResult[]> {
  const cpu = cpuMicros(target.child.pid ?? 0);
  const times: number[] = [];
  let isRunning = true;
  const check = send(target, { method: 'POST', path: '/audit/verify' }).finally(() => (isRunning = false));
  for (let i = 1; isRunning && i <= requests; i++) times.push(await send(target, { method: 'GET', path: `/audit/entries/${i}` }));
  const meanwhile = resultOf(target, 'audit get during a check', times, cpu);
  return [meanwhile, resultOf(target, 'audit verify', [await check], cpu)];
}

function resultOf({ child }: Target, request: string, times: readonly number[], before: number): AdminResult {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  const pid = child.pid ?? 0;
  const cpu = (cpuMicros(pid) - before) / 1_000 / times.length;
  return { request, requests: times.length, p50: at(0.5), p99: at(0.99), cpu, memory: residentMiB(pid) };
}
