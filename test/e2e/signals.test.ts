// Signals beside SIGTERM and SIGINT: SIGHUP reopens the access log, SIGUSR1 and SIGUSR2 do nothing, and none of them ends a process
// that serves.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { sendSignal } from '../support/send-signal.ts';
import { until } from '../support/until.ts';

const HARMLESS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
const GATEWAY_API = 'apiVersion: gateway.networking.k8s.io/v1';

let backend: Backend;
let base = '';
let folder = '';
/** The same with a port for a demo backend. */
let demo = '';
let port = 0;
let probes = 0;
let weir: Child | null = null;

beforeAll(async () => {
  base = mkdtempSync(path.join(os.tmpdir(), 'weir-signals-'));
  folder = mkdtempSync(path.join(base, 'config-'));
  backend = await new Backend('backend').start();
  const [demoPort = 0, ...others] = await freePorts(3);
  [port = 0, probes = 0] = others;
  const documents = (backendPort: number) => [
    `${GATEWAY_API}\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }`,
    `${GATEWAY_API}\nkind: Gateway\nmetadata: { name: gw }\nspec: { gatewayClassName: weir, listeners: [{ name: http, protocol: HTTP, port: ${port} }] }`,
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: backend }\nspec: { endpoints: [{ ip: 127.0.0.1, port: ${backendPort} }] }`,
    `${GATEWAY_API}\nkind: HTTPRoute\nmetadata: { name: all }\nspec: { parentRefs: [{ name: gw }], rules: [{ backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: backend }] }] }`,
  ];
  demo = mkdtempSync(path.join(base, 'demo-'));
  writeFileSync(path.join(folder, 'all.yaml'), documents(backend.port).join('\n---\n'));
  writeFileSync(path.join(demo, 'all.yaml'), documents(demoPort).join('\n---\n'));
});

afterEach(async () => {
  await weir?.stop('SIGKILL');
  weir = null;
});

afterAll(async () => {
  await backend.stop();
  rmSync(base, { recursive: true, force: true });
});

async function start(...args: readonly string[]): Promise<Child> {
  weir = new Child(args);
  return weir;
}

const status = async (url: string) => (await fetch(`http://127.0.0.1:${port}${url}`, { redirect: 'manual' })).status;

const redirect = (prefix: string) =>
  `${GATEWAY_API}\nkind: HTTPRoute\nmetadata: { name: more }\nspec: { parentRefs: [{ name: gw }], rules: [{ matches: [{ path: { value: ${prefix} } }], filters: [{ type: RequestRedirect, requestRedirect: { port: 1, statusCode: 307 } }] }] }`;

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  while (!(await isSo())) deadline.throwIfAborted();
}

function workersOf(pid: number): number[] {
  return spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter(Boolean)
    .map(Number);
}

function holds(pid: number, file: string): boolean {
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((fd) => readlinkSync(path.join(folder, fd), { encoding: 'utf8' }));
  return targets.includes(file);
}

/** Threads and processes have pending signals: a signal was handled once none is pending. */
function isTaken(pid: number): boolean {
  const pending = readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm);
  return [...pending].every(([, mask]) => Number(`0x${mask}`) === 0);
}

/** Sends each harmless signal to each process, and waits until all are handled. */
async function annoy(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    for (const signal of HARMLESS) {
      sendSignal(pid, signal);
      await until(() => !existsSync(`/proc/${pid}`) || isTaken(pid), `${signal} taken by ${pid}`);
    }
  }
}

describe.each([1, 2])('weir up with %d workers', (workers) => {
  test('reopens the access log on SIGHUP', async () => {
    const log = path.join(base, `access-${workers}.log`);
    const child = await start('up', folder, '--workers', String(workers), '--access-log', log);
    await child.printed(/serving; stop/);
    const ask = async (name: string, times: number) => {
      for (let i = 0; i < times; i++) await (await fetch(`http://127.0.0.1:${port}/${name}`, { headers: { connection: 'close' } })).text();
    };
    const count = (file: string, name: string) => (existsSync(file) ? readFileSync(file, 'utf8').split(`"/${name}"`).length - 1 : 0);
    // Enough connections for each worker to have some.
    await ask('before', 40);
    await until(() => count(log, 'before') === 40, 'the lines before');
    renameSync(log, `${log}.1`);
    sendSignal(child.pid, 'SIGHUP');
    await child.printed(/the access log is opened anew/);
    await until(() => [child.pid, ...workersOf(child.pid)].every((pid) => !holds(pid, `${log}.1`)), 'the former file closed');
    await ask('later', 40);
    await until(() => count(log, 'later') === 40, 'the lines in the new file');
    expect(count(`${log}.1`, 'before')).toBe(40);
    expect(count(`${log}.1`, 'later')).toBe(0);
  });

  test('serves on after SIGHUP, SIGUSR1 and SIGUSR2, to itself and to workers, and ends in good order', async () => {
    const child = await start('up', demo, '--demo', '--workers', String(workers), '--access-log', 'off');
    await child.printed(/serving; stop/);
    const pids = [child.pid, ...workersOf(child.pid)];
    expect(pids).toHaveLength(workers === 1 ? 1 : 3);
    await annoy(pids);
    expect(await status('/')).toBe(200);
    expect([child.pid, ...workersOf(child.pid)]).toEqual(pids);
    expect(child.output).not.toMatch(/[Dd]ebugger|a worker died/);
    expect(await child.stop('SIGTERM')).toBe(0);
  });
});

test('weir up serves on when its terminal closes', async () => {
  const args = ['up', folder, '--access-log', 'stdout', '--probe-port', String(probes)];
  const command = [process.execPath, 'cli/weir.ts', ...args].map((word) => `'${word}'`).join(' ');
  const root = path.resolve(import.meta.dirname, '..', '..');
  const terminal = spawn('setpriv', ['--pdeathsig', 'KILL', 'script', '-qfc', command, '/dev/null'], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  terminal.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => output.includes('serving; stop'), 'weir in a terminal');
  const pid = Number(
    spawnSync('pgrep', ['-f', `cli/weir.ts up ${folder}`], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter(Boolean)
      .at(-1),
  );
  try {
    terminal.kill('SIGKILL');
    await once(terminal, 'exit');
    await until(() => isTaken(pid), 'SIGHUP taken');
    for (let i = 0; i < 3; i++) expect(await status('/')).toBe(200);
    // Log and access log have no target now, which must not fail either.
    for (const prefix of ['/one', '/two']) {
      writeFileSync(path.join(folder, 'broken.yaml'), `kind: [ # ${prefix}`);
      writeFileSync(path.join(folder, 'more.yaml'), redirect(prefix));
      await eventually(async () => (await status(prefix)) === 307);
    }
    expect((await fetch(`http://127.0.0.1:${probes}/readyz`)).status).toBe(200);
  } finally {
    for (const name of ['broken.yaml', 'more.yaml']) rmSync(path.join(folder, name), { force: true });
    sendSignal(pid, 'SIGTERM');
    await until(() => !existsSync(`/proc/${pid}`), 'the end of weir');
  }
});

test('weir proxy goes on after SIGHUP, SIGUSR1 and SIGUSR2', async () => {
  const child = await start(
    'proxy',
    '--controller',
    '127.0.0.1:1',
    '--workers',
    '2',
    '--probe-port',
    String(probes),
    '--admin-port',
    '0',
    '--drain-delay',
    '0',
  );
  await child.printed(/a worker serves[^]*a worker serves/);
  const pids = [child.pid, ...workersOf(child.pid)];
  await annoy(pids);
  expect((await fetch(`http://127.0.0.1:${probes}/livez`)).status).toBe(200);
  expect([child.pid, ...workersOf(child.pid)]).toEqual(pids);
  expect(await child.stop('SIGTERM')).toBe(0);
  expect(child.output).not.toMatch(/[Dd]ebugger|a worker died/);
});

test('weir controller goes on after SIGHUP, SIGUSR1 and SIGUSR2', async () => {
  const kubeconfig = path.join(base, 'kubeconfig');
  const cluster = { name: 'c', cluster: { server: 'http://127.0.0.1:1' } };
  const context = { name: 'c', context: { cluster: 'c', user: 'u' } };
  const users = [{ name: 'u', user: {} }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', clusters: [cluster], contexts: [context], users, 'current-context': 'c' }),
  );
  const addresses = ['--push-address', '127.0.0.1:0', '--metrics-address', `127.0.0.1:${probes}`, '--admin-address', '127.0.0.1:0'];
  const child = await start('controller', '--kubeconfig', kubeconfig, ...addresses);
  await child.printed(/probes and metrics are served/);
  await annoy([child.pid]);
  await child.printed(/"signal":"SIGHUP","msg":"the controller continues"/);
  expect((await fetch(`http://127.0.0.1:${probes}/livez`)).status).toBe(200);
  expect(await child.stop('SIGTERM')).toBe(0);
  expect(child.output).not.toMatch(/[Dd]ebugger/);
});
