// Slow clients of each kind against each proxy, with a normal client beside them. Runs in a network namespace with small kernel buffers.
// Prints one line of JSON per finding. Arguments: kinds, all by default.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from './scenario.ts';
import { KINDS } from './slow-peers.ts';
import type { Kind, Order } from './slow-peers.ts';
import { PROXIES } from './slow-proxies.ts';
import type { SlowProxy } from './slow-proxies.ts';

const SLOW = 2_000;
const REQUESTS = 350;
const PAUSE_MS = 30;
const PATIENCE_MS = 15_000;
/** Number of lost requests after which the run stops. */
const ENOUGH = 20;
/** The allowed delay of a normal client: the time of one more connection. */
const MAX_SLOWEST_MS = 3_000;

/** The outcome of a normal client. */
interface Met {
  readonly lost: number;
  /** Milliseconds. */
  readonly slowest: number;
}

function start(role: 'backend' | 'clients'): ChildProcess {
  return fork(path.join(import.meta.dirname, 'slow-peers.ts'), [role]);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** One request on a new connection, with or without a body. Resolves to whether the status was 200. */
function ask(port: number, body: string): Promise<boolean> {
  return new Promise((resolve) => {
    const method = body === '' ? 'GET' : 'POST';
    const request = http.request({ port, host: '127.0.0.1', method, agent: false, timeout: PATIENCE_MS }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
    request.end(body);
  });
}

async function askMany(port: number): Promise<Met> {
  let [lost, slowest] = [0, 0];
  for (let i = 0; i < REQUESTS; i++) {
    const begun = performance.now();
    if (!(await ask(port, i % 2 === 0 ? '' : 'hello'))) lost++;
    slowest = Math.max(slowest, performance.now() - begun);
    if (lost === ENOUGH) break;
    await delay(PAUSE_MS);
  }
  return { lost, slowest };
}

function residentMib({ pid }: ChildProcess): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kib) / 1_024;
}

async function tryOut(proxy: SlowProxy, kinds: readonly Kind[], name: string, folder: string): Promise<void> {
  const children = [start('backend')];
  try {
    const [{ port: origin }] = (await once(children[0] as ChildProcess, 'message')) as [{ port: number }];
    const running = await proxy.start(folder, origin);
    children.push(running.process);
    for (const kind of kinds) {
      const clients = start('clients');
      children.push(clients);
      clients.send({ kind, port: kind.startsWith('h2') ? running.http2 : running.http1, count: SLOW } satisfies Order);
      await once(clients, 'message');
    }
    const { lost, slowest } = await askMany(running.http1);
    const isOurs = proxy.name === 'weir';
    say({ name: `${proxy.name}, ${name}: requests lost of ${REQUESTS}`, value: lost, unit: '', limit: isOurs ? 0 : null });
    say({ name: `${proxy.name}, ${name}: the slowest`, value: slowest, unit: 'ms', limit: isOurs ? MAX_SLOWEST_MS : null });
    say({ name: `${proxy.name}, ${name}: resident memory`, value: residentMib(running.process), unit: 'MiB', limit: null });
  } finally {
    for (const child of children) await end(child);
  }
}

function say(finding: Finding): void {
  console.log(JSON.stringify(finding));
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-slow-'));
try {
  for (const proxy of PROXIES.filter(({ present }) => present)) {
    for (const kind of KINDS) await tryOut(proxy, [kind], kind, folder);
    await tryOut(proxy, KINDS, 'all kinds at once', folder);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
