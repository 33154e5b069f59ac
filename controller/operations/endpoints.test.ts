// The resource /endpoints over a real socket and a real store: what it accepts, and hostile input.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { AddressRanges } from '#lib/address-ranges.ts';
import { MAX_OPERATION_BYTES } from '#api/wire/operator-limits.ts';
import { AdminServer, refuseWebPages } from '#lib/admin-server.ts';
import { createLog } from '#lib/log.ts';
import { Registry } from '../store/registry.ts';
import { endpoints } from './endpoints.ts';
import { operationPaths } from './operations.ts';

let folder = '';
let registry: Registry;
const RULES = {
  allowLoopback: false,
  allowedEndpoints: AddressRanges.of([]),
  own: { addresses: new Set<string>(), ports: new Set<number>() },
};

let server: AdminServer;
let port = 0;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-operations-'));
  const failed = (error: unknown): never => {
    throw error;
  };
  registry = new Registry({
    store: { kind: 'sqlite', file: path.join(folder, 'store') },
    maxRegisteredEndpoints: 300,
    failed,
    log: createLog('silent'),
  });
  const operations = endpoints({ registrations: registry.registrations, rules: RULES });
  const paths = operationPaths(operations, createLog('silent'));
  server = new AdminServer({ host: '127.0.0.1', port: 0, paths, refuse: refuseWebPages, maxBodyBytes: MAX_OPERATION_BYTES });
  port = await server.start();
});
afterEach(async () => {
  await server.stop();
  await registry.stop();
  rmSync(folder, { recursive: true });
});

interface Reply {
  readonly status: number;
  readonly body: {
    readonly detail?: string;
    readonly errors?: readonly { readonly field: string; readonly reason: string }[];
    readonly endpoints?: readonly { readonly address: string; readonly labels: object }[];
    readonly added?: readonly { readonly address: string }[];
  };
}

async function ask(method: 'GET' | 'PUT' | 'DELETE', value: unknown, query = ''): Promise<Reply> {
  const body = method === 'GET' ? null : JSON.stringify(value);
  const headers = { 'content-type': 'application/json' };
  const answer = await request(`http://127.0.0.1:${port}/endpoints${query}`, { method, body, headers });
  return { status: answer.statusCode, body: (await answer.body.json()) as Reply['body'] };
}

const add = (endpoint: object, more: object = {}) => ask('PUT', { backend: 'default/app', endpoints: [endpoint], ...more });
const listed = async () => (await ask('GET', null)).body.endpoints ?? [];
/** The wrong fields of a refusal. */
const fieldsOf = ({ status, body }: Reply) => [status, ...(body.errors ?? []).map(({ field }) => field)];

describe('the addresses of endpoints', () => {
  test.each([
    '127.0.0.1',
    '127.1.2.3',
    '0.0.0.0',
    '169.254.169.254',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    '0:0:0:0:0:0:0:1',
    '224.0.0.1',
    '255.255.255.255',
    'ff02::1',
    'localhost',
    '2130706433',
    '0x7f000001',
    '127.1',
    '010.0.0.1',
    'fe80::1%eth0',
    '10.0.0.1 ',
    '10.0.0.1/32',
  ])('cannot be %s', async (address) => {
    expect(fieldsOf(await add({ address, port: 80 }))).toEqual([400, 'endpoints[0].address']);
    expect(await listed()).toEqual([]);
  });

  test('are the same in every spelling', async () => {
    await add({ address: 'FD00:0:0::0001', port: 80 });
    await add({ address: 'fd00::1', port: 80 });
    expect((await listed()).map(({ address }) => address)).toEqual(['fd00::1']);
    const twice = await ask('PUT', {
      backend: 'default/app',
      endpoints: ['fd00::2', 'fd00:0::2'].map((address) => ({ address, port: 80 })),
    });
    expect(twice.body.errors).toEqual([{ field: 'endpoints[1]', reason: 'has the address and port of endpoints[0]' }]);
    const removed = await ask('DELETE', { backend: 'default/app', endpoints: [{ address: 'FD00::0:1', port: 80 }] });
    expect(removed).toMatchObject({ status: 200, body: { removed: [{ address: 'fd00::1', port: 80 }], absent: [] } });
  });
});

describe('invalid fields of endpoints', () => {
  test.each<[string, object]>([
    ['port', { port: 0 }],
    ['port', { port: 65_536 }],
    ['port', { port: '80' }],
    ['port', { port: 80.5 }],
    ['weight', { weight: 0 }],
    ['weight', { weight: 1_001 }],
    ['priority', { priority: 8 }],
    ['zone', { zone: 'a b' }],
    ['zone', { zone: 'a'.repeat(64) }],
    ['ttl', { ttl: '4s' }],
    ['ttl', { ttl: '721h' }],
    ['ttl', { ttl: '-5s' }],
    ['ttl', { ttl: 5 }],
    ['labels', { labels: { 'a b': 'c' } }],
    ['labels', { labels: { ['a'.repeat(64)]: 'c' } }],
    ['labels', { labels: JSON.parse('{"__proto__":"c"}') as object }],
    ['labels', { labels: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`l${index}`, 'a'])) }],
    ['labels.a', { labels: { a: 'b c' } }],
    ['labels.a', { labels: { a: 'b'.repeat(64) } }],
    ['labels.a', { labels: { a: 1 } }],
    ['draining', { draining: true }],
  ])('name %s: %j', async (field, fields) => {
    expect(fieldsOf(await add({ address: '10.0.0.1', port: 80, ...fields }))).toEqual([400, `endpoints[0].${field}`]);
    expect(await listed()).toEqual([]);
  });

  test.each<[string, object]>([
    ['backend', { backend: 'app' }],
    ['backend', { backend: 'default/app/more' }],
    ['backend', { backend: `default/${'a'.repeat(400)}` }],
    ['backend', { backend: "default/app'; DROP TABLE weir_registered_endpoints; --" }],
    ['backend', { backend: '../app' }],
    ['endpoints', { endpoints: [] }],
    ['endpoints', { endpoints: Array.from({ length: 257 }, (_, index) => ({ address: `10.0.1.${index % 256}`, port: 1 + index })) }],
    ['origin', { origin: 'a\u001b[31mb' }],
    ['origin', { origin: 'a\u202eb' }],
    ['origin', { origin: 'a'.repeat(129) }],
  ])('of the request name %s: %j', async (field, fields) => {
    const reply = await add({ address: '10.0.0.1', port: 80 }, fields);
    expect(reply.status).toBe(400);
    expect((reply.body.errors ?? []).map((error) => error.field)).toContain(field);
    expect(await listed()).toEqual([]);
  });

  test('name each endpoint, and no endpoint of the request is added', async () => {
    const reply = await ask('PUT', {
      backend: 'default/app',
      endpoints: [
        { address: '10.0.0.1', port: 80 },
        { address: '127.0.0.1', port: 80, ttl: '1s' },
      ],
    });
    expect(fieldsOf(reply)).toEqual([400, 'endpoints[1].address', 'endpoints[1].ttl']);
    expect(await listed()).toEqual([]);
  });

  test('of a removal are refused, and nothing is removed', async () => {
    await add({ address: '10.0.0.1', port: 80 });
    for (const fields of [{}, { all: false }, { all: true, endpoints: [{ address: '10.0.0.1', port: 80 }] }, { endpoints: [] }]) {
      expect((await ask('DELETE', { backend: 'default/app', ...fields })).status).toBe(400);
    }
    expect(await listed()).toHaveLength(1);
  });
});

describe('the limits of the store', () => {
  test('refuse with 409, and name the limit', async () => {
    const many = (from: number) => Array.from({ length: 200 }, (_, index) => ({ address: '10.0.0.1', port: from + index }));
    expect((await ask('PUT', { backend: 'default/app', endpoints: many(1) })).status).toBe(200);
    const refused = await ask('PUT', { backend: 'default/app', endpoints: many(201) });
    expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('at most 300 are allowed') } });
    expect(await listed()).toHaveLength(200);
  });

  test('text in SQL, JSON and HTML stays text', async () => {
    const origin = `'; DROP TABLE weir_registered_endpoints; -- <script>"{}`;
    await add({ address: '10.0.0.1', port: 80, labels: { constructor: 'a', toString: 'b' } }, { origin });
    expect(await listed()).toMatchObject([{ origin, labels: { constructor: 'a', toString: 'b' } }]);
    expect((await ask('GET', null, '?backend=default/other')).body.endpoints).toEqual([]);
  });

  test('a store that is away refuses changes with 503', async () => {
    await registry.stop();
    expect(await add({ address: '10.0.0.1', port: 80 })).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('is closed') },
    });
    expect((await ask('GET', null)).body).toMatchObject({ endpoints: [], trouble: expect.stringContaining('is closed') });
  });
});
