// Weir as npm installs it: the package is complete, and starts its own Node.js, not the `node` on the path.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const EXAMPLE = path.join(ROOT, 'examples', 'quickstart');
const run = promisify(execFile);

let base = '';
/** As `npm install -g --prefix` makes them: of the packed package, and of a folder, which npm links. */
let packed = '';
let linked = '';
/** A path whose `node` is of no use. */
let environment: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  base = mkdtempSync(path.join(os.tmpdir(), 'weir-package-'));
  const tools = path.join(base, 'tools');
  mkdirSync(tools);
  writeFileSync(path.join(tools, 'node'), '#!/bin/sh\necho an old node >&2\nexit 99\n');
  chmodSync(path.join(tools, 'node'), 0o755);
  environment = { ...process.env, PATH: `${tools}:/usr/bin:/bin` };
  packed = path.join(base, 'packed');
  const home = path.join(packed, 'lib', 'node_modules', 'weir');
  mkdirSync(home, { recursive: true });
  mkdirSync(path.join(packed, 'bin'));
  await run('npm', ['pack', '--pack-destination', base], { cwd: ROOT });
  const [file = ''] = readdirSync(base).filter((name) => name.endsWith('.tgz'));
  await run('tar', ['-xzf', path.join(base, file), '-C', home, '--strip-components=1']);
  // What it depends on is not fetched again.
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(home, 'node_modules'));
  symlinkSync('../lib/node_modules/weir/bin/weir', path.join(packed, 'bin', 'weir'));
  linked = path.join(base, 'linked');
  await run('npm', ['install', '-g', '--prefix', linked, '--offline', '--no-audit', '--no-fund', ROOT], { cwd: base });
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe.each(['packed', 'linked'])('the %s package', (kind) => {
  const weir = (...args: string[]) =>
    run(path.join(kind === 'packed' ? packed : linked, 'bin', 'weir'), args, { env: environment, cwd: base });

  test('starts its own Node.js', async () => {
    const { stdout, stderr } = await weir('version', '--format', 'json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ node: process.version });
  });

  test('validates and explains a folder', async () => {
    expect(await weir('validate', EXAMPLE)).toEqual({ stdout: '6 objects, 0 errors, 0 warnings\n', stderr: '' });
    const { stdout } = await weir('explain', '127.0.0.1:8080', '--config', EXAMPLE);
    expect(stdout).toContain('winner    HTTPRoute default/');
  });

  test('lists the same commands as the checkout', async () => {
    const here = await run(process.execPath, [path.join(ROOT, 'cli', 'weir.ts'), 'help']);
    expect((await weir('help')).stdout).toBe(here.stdout);
  });
});

test('the packed package serves, with workers in processes of their own', async () => {
  const [port = 0] = await freePorts(1);
  const folder = path.join(base, 'config');
  mkdirSync(folder);
  const api = 'apiVersion: gateway.networking.k8s.io/v1';
  const documents = [
    `${api}\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }`,
    `${api}\nkind: Gateway\nmetadata: { name: gw }\nspec: { gatewayClassName: weir, listeners: [{ name: http, protocol: HTTP, port: ${port} }] }`,
    `${api}\nkind: HTTPRoute\nmetadata: { name: all }\nspec: { parentRefs: [{ name: gw }], rules: [{ filters: [{ type: RequestRedirect, requestRedirect: { hostname: a.test } }] }] }`,
  ];
  writeFileSync(path.join(folder, 'all.yaml'), documents.join('\n---\n'));
  const command = ['--pdeathsig', 'KILL', path.join(packed, 'bin', 'weir'), 'up', folder, '--workers', '2', '--access-log', 'off'];
  const child = spawn('setpriv', command, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => output.includes('serving; stop') || child.exitCode !== null, 'weir that serves');
  expect((await fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' })).status).toBe(302);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(output).not.toMatch(/warning|an old node/i);
});

test('a package whose Node.js was not installed says what to do', async () => {
  const home = path.join(base, 'bare', 'weir');
  mkdirSync(path.join(home, 'bin'), { recursive: true });
  for (const file of ['bin/weir', 'package.json']) cpSync(path.join(ROOT, file), path.join(home, file));
  const tools = path.join(base, 'tools');
  writeFileSync(path.join(tools, 'node'), '#!/bin/sh\necho 20\n');
  const failure = (await run(path.join(home, 'bin', 'weir'), ['version'], { env: environment }).catch((error: unknown) => error)) as {
    code: number;
    stderr: string;
  };
  expect(failure.stderr).toMatch(
    /^weir: its own Node\.js is missing; reinstall with install scripts .*, or put Node\.js \d+ on the path\n$/,
  );
  expect(failure.code).toBe(2);
});
