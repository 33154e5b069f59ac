// `weir endpoints` against `weir up`: endpoints serve once they are registered, and survive a killed process.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import { Child, runWeir } from '../support/child.ts';
import type { Finished } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { backendSite } from '../support/objects.ts';

let folder = '';
let port = 0;
let weir: Child;
let controller = '';
const backends = ['one', 'two'].map((name) => new Backend(name));

async function start(): Promise<void> {
  weir = new Child(['up', folder, '--admin-port', '0', '--access-log', 'off']);
  controller = `127.0.0.1:${(await weir.printed(/admin on http:\/\/127\.0\.0\.1:(\d+)/))[1]}`;
  await weir.printed(/serving; stop/);
}

const endpoints = (...args: readonly string[]): Promise<Finished> => runWeir(['endpoints', ...args, '--controller', controller]);
const addressOf = (backend: Backend | undefined): string => `127.0.0.1:${backend?.port}`;
const status = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/`)).status;

/** Resolves once requests have this status. */
async function untilStatus(wanted: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await status()) !== wanted) {
    if (Date.now() > deadline) throw new Error(`the status did not become ${wanted}:\n${weir.output}`);
  }
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-registered-'));
  [port = 0] = await freePorts(1);
  await Promise.all(backends.map((backend) => backend.start()));
  writeFileSync(path.join(folder, 'all.json'), backendSite(port, 'app', { registered: {} }));
  await start();
});

afterAll(async () => {
  await weir.stop('SIGKILL');
  await Promise.all(backends.map((backend) => backend.stop()));
  rmSync(folder, { recursive: true, force: true });
});

describe('weir endpoints', () => {
  test('adds an endpoint, which serves, and lists it', async () => {
    expect(await status()).toBe(503);
    const added = await endpoints(
      'add',
      'app',
      addressOf(backends[0]),
      '--label',
      'version=v1',
      '--zone',
      'a',
      '--weight',
      '2',
      '--origin',
      'test',
    );
    expect(added).toEqual({ code: 0, stdout: `added ${addressOf(backends[0])}\n`, stderr: '' });
    await untilStatus(200);
    const { stdout } = await endpoints('list');
    expect(stdout.split('\n')[0]).toMatch(/^BACKEND +ENDPOINT +WEIGHT +PRIORITY +ZONE +LABELS +TTL +EXPIRES +ORIGIN$/);
    expect(stdout.split('\n')[1]).toMatch(new RegExp(`^default/app +${addressOf(backends[0])} +2 +0 +a +version=v1 +- +- +test$`));
    const json = JSON.parse((await endpoints('list', 'default/app', '--output', 'json')).stdout) as { endpoints: object[] };
    expect(json.endpoints).toMatchObject([{ backend: 'default/app', weight: 2, zone: 'a', labels: { version: 'v1' }, ttl: null }]);
  });

  test('what is confirmed survives the kill of the process, and serves after the start', async () => {
    await endpoints('add', 'app', addressOf(backends[1]), '--ttl', '10m');
    await weir.stop('SIGKILL');
    await start();
    await untilStatus(200);
    const { endpoints: listed } = JSON.parse((await endpoints('list', '-o', 'json')).stdout) as {
      endpoints: { port: number; ttl: string }[];
    };
    expect(listed.map((each) => [each.port, each.ttl]).sort()).toEqual(
      [
        [backends[0]?.port, null],
        [backends[1]?.port, '10m'],
      ].sort(),
    );
  });

  test('a process that is killed in the middle of changes has stored each one that it confirmed', async () => {
    const confirmed: number[] = [];
    const add = async (last: number): Promise<void> => {
      const body = JSON.stringify({ backend: 'default/many', endpoints: [{ address: '10.0.0.1', port: last }] });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`http://${controller}/endpoints`, { method: 'PUT', headers, body }).catch(() => null);
      if (answer?.status === 200) confirmed.push(last);
      if (confirmed.length === 40) await weir.stop('SIGKILL');
    };
    for (let batch = 0; batch < 20; batch++) await Promise.all([1, 2, 3, 4, 5].map((each) => add(batch * 5 + each)));
    await start();
    const { endpoints: listed } = JSON.parse((await endpoints('list', 'many', '-o', 'json')).stdout) as { endpoints: { port: number }[] };
    expect(listed.map((each) => each.port)).toEqual(expect.arrayContaining(confirmed));
    expect(confirmed.length).toBeGreaterThanOrEqual(40);
    await endpoints('remove', 'many', '--all');
  });

  test('removes endpoints, and names those that are not registered', async () => {
    const removed = await endpoints('remove', 'app', addressOf(backends[0]), '127.0.0.9:9');
    expect(removed).toMatchObject({ code: 0, stdout: `removed ${addressOf(backends[0])}\nnot registered 127.0.0.9:9\n` });
    expect((await endpoints('remove', 'app', '--all')).stdout).toBe(`removed ${addressOf(backends[1])}\n`);
    await untilStatus(503);
    expect((await endpoints('remove', 'app', '--all')).stdout).toBe('no endpoint is registered\n');
  });

  test('says so if no route uses the Backend', async () => {
    const { code, stderr } = await endpoints('add', 'shop/later', '10.0.0.1:80');
    expect([code, stderr]).toEqual([0, expect.stringContaining('no route uses a Backend shop/later with the source registered')]);
    await endpoints('remove', 'shop/later', '--all');
  });

  test.each([
    [['add', 'app', '224.0.0.1:80'], 'endpoints[0].address: is a multicast or broadcast address'],
    [['add', 'app', '10.0.0.1:80', '--weight', '0'], 'endpoints[0].weight: must be at least 1'],
    [['add', 'app', '10.0.0.1:80', '--ttl', '1s'], 'endpoints[0].ttl: must be from 5s to 720h'],
    [['add', 'app', 'app.example:80'], '"app.example:80" is not ADDRESS:PORT'],
    [['add', 'App', '10.0.0.1:80'], 'backend: must be NAMESPACE/NAME of a Backend'],
    [['add', 'app'], 'weir endpoints add takes a Backend and addresses'],
    [['remove', 'app'], 'weir endpoints remove takes a Backend, and addresses or --all'],
    [['change'], 'weir endpoints takes one of add, remove, list'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await endpoints(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test('names the remedy if no controller listens', async () => {
    const [free = 0] = await freePorts(1);
    const { code, stderr } = await runWeir(['endpoints', 'list', '--controller', `127.0.0.1:${free}`]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`127.0.0.1:${free}: no controller listens there; give --namespace`)]);
  });
});

test('the files of the store are in the folder, and are no configuration', () => {
  expect(existsSync(path.join(folder, '.weir', 'store.sqlite'))).toBe(true);
  expect(weir.output).not.toContain('reloaded');
});
