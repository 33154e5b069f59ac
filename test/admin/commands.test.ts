// The commands over the admin API against `weir up`: what they print, change and refuse, and that files are edited as their authors left them.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parse } from 'yaml';
import { safeJson, safeYaml } from '../../cli/admin-api/printed.ts';
import { CliUser, startAdminUp, type AdminUp } from '../support/admin-cli.ts';

let up: AdminUp;
let cli: CliUser;

beforeAll(async () => {
  up = await startAdminUp();
  cli = new CliUser();
  const login = ['login', up.url, '--user', 'admin', '--namespace', 'shop', '--password-file', cli.file('password', up.password)];
  expect(await cli.here(...login)).toMatchObject({ code: 0, stderr: '' });
});
afterAll(async () => {
  cli[Symbol.dispose]();
  await up[Symbol.asyncDispose]();
});

/** The output of a command that must succeed. */
async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cli.here(...args);
  expect({ args, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
}

async function refused(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await cli.here(...args);
  expect({ args, code }).toEqual({ args, code: 2 });
  return stderr;
}

const route = (hostname: string, backend = 'cart', name = 'cart') => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs: [{ name: edge, namespace: default }]
  hostnames: [${hostname}]
  rules:
    - backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: ${backend} }]
`;
const written = () => readFileSync(path.join(up.folder, 'shop.yaml'), 'utf8');

describe('weir get', () => {
  test('lists kinds, and objects by any name of their kind', async () => {
    expect(await done('get')).toMatch(/^HTTPRoute +gateway\.networking\.k8s\.io\/v1 +true$/m);
    const table =
      'NAMESPACE   NAME   LABELS      DETAILS               PLACE\nshop        cart   team=cart   shop.test; at edge    shop.yaml:2\n';
    for (const kind of ['HTTPRoute', 'httproute', 'httproutes'])
      expect((await done('get', kind)).replaceAll(/ +/g, ' ')).toBe(table.replaceAll(/ +/g, ' '));
    expect(await done('get', 'httproutes', '-l', 'team!=cart')).toBe('no HTTPRoute\n');
    expect(await refused('get', 'httprouts')).toBe('weir: no kind "httprouts"; did you mean HTTPRoute?\n');
  });

  test('shows one in the form of its author, by the namespace of the context', async () => {
    const yaml = parse(await done('get', 'httproute', 'cart', '-o', 'yaml')) as { readonly spec: unknown };
    expect(yaml.spec).toMatchObject({ hostnames: ['shop.test'] });
    expect(JSON.parse(await done('get', 'gateway', 'default/edge', '-o', 'json'))).toMatchObject({ kind: 'Gateway' });
    expect(JSON.parse(await done('get', 'gatewayclass', 'weir', '-o', 'json'))).toMatchObject({ kind: 'GatewayClass' });
    expect(await refused('get', 'httproute', 'default/cart')).toMatch(/^weir: .*cart.*\n$/);
  });

  test('never shows the data of a Secret', async () => {
    for (const form of ['table', 'json', 'yaml']) {
      const shown = await done('get', 'secret', 'key', '-o', form);
      expect(shown).toContain('key');
      expect(shown).not.toContain('very-secret');
    }
  });
});

describe('weir apply', () => {
  test('shows the effects of a dry run, and writes nothing', async () => {
    const before = written();
    const file = cli.file('route.yaml', route('new.test'));
    const { code, stdout, stderr } = await cli.here('apply', '-f', file, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('HTTPRoute/shop/cart changed');
    expect(stdout).toContain('+ spec.hostnames');
    expect(stdout).toContain('listeners: default/edge/http');
    expect(stderr).toBe('weir: this was a dry run: nothing is written\n');
    expect(written()).toBe(before);
    const diff = await cli.here('diff', '-f', file);
    expect(diff).toMatchObject({ code: 1, stdout: expect.stringContaining('- spec.hostnames') });
  });

  test('replaces and creates, keeps comments, and says the reason to the audit log', async () => {
    cli.file('more/cart.yaml', route('cart.test'));
    cli.file('more/list.yaml', route('list.test', 'cart', 'list'));
    const folder = path.join(cli.folder, 'more');
    expect(await done('apply', '-f', folder, '--reason', 'sale')).toMatch(/HTTPRoute\/shop\/cart changed\nHTTPRoute\/shop\/list created\n/);
    expect(written()).toContain('# The route of the shop.');
    expect(written()).toContain('cart.test');
    expect(await cli.here('diff', '-f', folder)).toMatchObject({ code: 0, stdout: '' });
    const entries = JSON.parse(await done('audit', 'list', '--object', 'HTTPRoute/shop', '-o', 'json')) as { readonly items: unknown };
    expect(entries.items).toMatchObject([
      { operation: 'configuration.create', reason: 'sale', actor: { name: 'admin' } },
      { operation: 'configuration.replace', reason: 'sale' },
    ]);
  });

  test('writes no change that causes errors, unless it is forced', async () => {
    const file = cli.file('broken.yaml', route('x.test', 'no-such-backend', 'broken'));
    const { code, stdout, stderr } = await cli.here('apply', '-f', file);
    expect({ code, stdout, stderr }).toMatchObject({ code: 1, stdout: expect.stringContaining('error: HTTPRoute/shop/broken') });
    expect(stderr).toContain('nothing is written');
    expect(await refused('get', 'httproute', 'broken')).toContain('broken');
    expect(await done('apply', '-f', file, '--force')).toContain('created');
    expect(await done('delete', 'httproute', 'broken')).toContain('HTTPRoute/shop/broken deleted');
  });

  test('names the place of what is no valid object', async () => {
    const file = cli.file('wrong.yaml', route('x.test').replace('hostnames:', 'hostname:'));
    const { code, stderr } = await cli.here('apply', '-f', file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/wrong\.yaml:\d+: HTTPRoute\/cart .*hostname|wrong\.yaml:\d+: .*hostname/);
    expect(await refused('apply')).toContain('-f FILE|DIR is missing');
  });

  test('reads the standard input', async () => {
    const { code, stdout } = await cli.weir(['apply', '-f', '-', '--dry-run'], { input: route('stdin.test') });
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('HTTPRoute/shop/cart changed') });
  });
});

describe('weir delete', () => {
  test('refuses a deletion that leaves references behind', async () => {
    const { code, stdout, stderr } = await cli.here('delete', 'backend', 'cart');
    expect({ code, stdout, stderr }).toMatchObject({ code: 1, stdout: expect.stringContaining('error: HTTPRoute/shop/cart') });
    expect(stderr).toContain('nothing is deleted');
    expect(await done('get', 'backend', 'cart')).toContain('cart');
    expect(await refused('delete', 'backend', 'none')).toBe('weir: there is no Backend/shop/none\n');
  });
});

describe('weir revisions and weir rollback', () => {
  interface Listed {
    readonly items: readonly { readonly revision: number; readonly reason: string }[];
  }
  const revisions = async () => (JSON.parse(await done('revisions', 'list', 'httproute', 'cart', '-o', 'json')) as Listed).items;

  test('show author, change and reason, and bring a version back after a look', async () => {
    await done('apply', '-f', cli.file('good.yaml', route('good.test')), '--reason', 'good');
    await done('apply', '-f', cli.file('bad.yaml', route('bad.test')), '--reason', 'bad');
    const good = String((await revisions()).find(({ reason }) => reason === 'good')?.revision);
    expect(await done('revisions', 'list', 'httproutes')).toMatch(/HTTPRoute\/shop\/cart +written +admin +bad$/m);
    expect(await done('revisions', 'get', good)).toContain('good.test');
    expect(await done('revisions', 'diff', good)).toContain('+ spec.hostnames');
    const dry = await cli.here('rollback', good, '--dry-run');
    expect(dry).toMatchObject({ code: 0, stderr: 'weir: this was a dry run: nothing is written\n' });
    expect(dry.stdout).toMatch(/^HTTPRoute\/shop\/cart changed\n {2}- spec\.hostnames.*bad\.test/);
    expect(written()).toContain('bad.test');
    await done('rollback', good, '--reason', 'undo');
    expect(written()).toContain('good.test');
    expect(await done('rollback', good, '--all', '--dry-run', '-n', 'shop', '--kind', 'httproute')).toBe('no difference\n');
    expect(await done('audit', 'list', '--limit', '2')).toContain('undo');
  });

  test('bring all objects back to a moment', async () => {
    const [newest] = await revisions();
    await done('apply', '-f', cli.file('next.yaml', route('next.test')));
    await done('apply', '-f', cli.file('more.yaml', route('more.test', 'cart', 'more')));
    expect(await done('rollback', String(newest?.revision), '--all')).toMatch(/HTTPRoute\/shop\/more deleted/);
    expect(written()).not.toContain('next.test');
    expect(await refused('get', 'httproute', 'more')).toContain('more');
  });

  test('name what is missing', async () => {
    expect(await refused('rollback')).toContain('takes one REVISION, or --time TIME');
    expect(await refused('rollback', '999999')).toMatch(/revision/);
    expect(await refused('rollback', 'x')).toBe('weir: "x" is no number of a revision; weir revisions list has them\n');
    expect(await refused('rollback', '1', '-n', 'shop')).toContain('need --all or --time');
  });
});

describe('users, roles and tokens', () => {
  test('are made, shown once, limited and taken away', async () => {
    const [, password = ''] = /not shown again\): (\S+)/.exec(await done('users', 'create', 'ben', '--role', 'viewer', '-n', 'shop')) ?? [];
    expect(password).not.toBe('');
    expect(await done('users', 'get', 'ben')).toContain('role viewer in shop');
    expect(await done('users', 'list')).toMatch(/^ben .*must change its password/m);
    expect(await done('roles', 'create', 'routes', '--permission', 'configuration:read')).toContain('is created');
    const [, binding = ''] = /\(([^)]+)\)/.exec(await done('roles', 'bind', 'routes', 'ben')) ?? [];
    expect(await done('roles', 'bindings')).toContain(binding);
    await done('roles', 'unbind', binding);
    await done('roles', 'delete', 'routes');
    await done('users', 'disable', 'ben');
    expect(await done('users', 'list')).toMatch(/^ben .*disabled/m);
    await done('users', 'delete', 'ben');
    expect(await refused('users', 'get', 'ben')).toBe('weir: there is no user "ben"\n');
    expect(await refused('users', 'delete', 'ben')).toContain('there is no user');
    expect(await done('audit', 'list', '--object', 'user/ben')).not.toContain(password);
  });

  test('that the API does not know are named', async () => {
    expect(await refused('roles', 'create', 'x', '--permission', 'no:such')).toContain('body.permissions[0]');
    expect(await refused('users', 'create')).toBe('weir: weir users create takes one NAME\n');
    expect(await refused('users', 'fly')).toContain('weir users takes one of list, get, create');
  });

  test('a token works without a context, within its permissions, until it is revoked', async () => {
    const { stdout, stderr } = await cli.here('tokens', 'create', 'ci', '--permission', 'configuration:read', '--days', '1');
    const token = stdout.trim();
    const [, id = ''] = /token (\S+) of admin/.exec(stderr) ?? [];
    const list = await done('tokens', 'list');
    expect(list).toContain(id);
    expect(list).not.toContain(token);
    const file = cli.file('token', token);
    const with_ = ['--server', up.url, '--token-file', file] as const;
    expect(await done('get', 'httproute', 'shop/cart', ...with_)).toContain('cart');
    const denied = await refused('users', 'list', ...with_);
    expect(denied).not.toContain(token);
    expect(await done('tokens', 'revoke', id)).toContain('is revoked');
    const ended = await refused('get', 'httproute', ...with_);
    expect(ended).toMatch(/give WEIR_TOKEN or --token-file\n$/);
    expect(ended).not.toContain(token);
  });
});

describe('weir audit', () => {
  test('verifies the log of the server, and an export of it', async () => {
    expect(await done('audit', 'verify')).toMatch(/^the audit log of the server is whole: entries 1 to \d+\.\nanchor /);
    const file = path.join(cli.folder, 'audit.jsonl');
    expect(await done('audit', 'export', '--file', file)).toContain('bytes');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await done('audit', 'verify', file)).toContain('is whole');
    const csv = path.join(cli.folder, 'audit.csv');
    await done('audit', 'export', '--format', 'csv', '--actor', 'admin', '--file', csv);
    expect(readFileSync(csv, 'utf8')).toMatch(/^sequence,.*\r\n2,/);
    expect(await done('audit', 'get', '1')).toContain('operation: account.login');
    expect(await done('audit', 'list', '--outcome', 'refused')).toMatch(/users\.delete .*refused \(user-unknown\)/);
    expect(await refused('audit', 'list', '--since', 'yesterday')).toContain('query.since must be a time');
  });
});

describe('a hostile server', () => {
  const EVIL = '\u001b[2J\u009b31m\u202e\u0007weir';

  async function served<T>(body: unknown, use: (url: string) => Promise<T>): Promise<T> {
    const server = http.createServer((_, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return use(url).finally(() => (server.closeAllConnections(), server.close()));
  }

  test.each(['table', 'json', 'yaml'])('controls no terminal by a %s', async (form) => {
    const object = { metadata: { name: EVIL, labels: { [EVIL]: EVIL } }, spec: { hostnames: [EVIL], text: `a\n${EVIL}` } };
    const body = { items: [{ object, etag: EVIL, place: { file: EVIL, line: 1 } }], next: null };
    const { stdout, code } = await served(body, (url) => cli.here('get', 'httproute', '--server', url, '-o', form));
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stdout).toContain('weir');
  });

  test('leaves values as they are, in escapes', () => {
    const value = { [EVIL]: [`a\nb: ${EVIL}`, '\u0085', 1, null] };
    expect(JSON.parse(safeJson(value))).toEqual(value);
    expect(parse(safeYaml(value))).toEqual(value);
  });

  test('does not get the credentials of a context', async () => {
    const seen: string[] = [];
    const server = http.createServer((request, response) => {
      seen.push(JSON.stringify(request.headers));
      response.end('{"items":[],"next":null}');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    await cli.here('get', 'httproute', '--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
    expect(seen).toHaveLength(1);
    expect(seen[0]).not.toMatch(/cookie|authorization|csrf/);
  });
});

describe('weir backup and weir restore', () => {
  test('bring back what a bad change took, and name a file that is no backup', async () => {
    const file = path.join(cli.folder, 'weir.backup');
    const made = await done('backup', 'create', file);
    expect(made).toMatch(
      /is a whole backup of \S+ by Weir .*: \d+ objects, \d+ rows of the store\nwithout the data of 1 Secrets: Secret\/shop\/key\nsha256 [0-9a-f]{64}\n$/,
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await cli.here('backup', 'create', file).catch((error: unknown) => String(error))).toContain('EEXIST');
    expect(await done('backup', 'check', file)).toBe(made);
    const half = cli.file('half.backup', '');
    writeFileSync(half, readFileSync(file).subarray(0, 1_000));
    expect(await refused('backup', 'check', half)).toContain('is no whole backup');
    await done('delete', 'httproute', 'cart');
    const dry = await cli.here('restore', file, '--dry-run', '--parts', 'configuration');
    expect(dry).toMatchObject({ code: 0, stderr: 'weir: this was a dry run: nothing is written\n' });
    expect(dry.stdout).toContain('HTTPRoute/shop/cart created');
    expect(await refused('get', 'httproute', 'cart')).toContain('cart');
    const restored = await cli.here('restore', file);
    expect(restored).toMatchObject({ code: 0, stderr: 'weir: restored; all sessions have ended: log in again with weir login\n' });
    expect(await refused('get', 'httproute', 'cart')).toContain('log in with weir login --context');
    await done('login', '--password-file', path.join(cli.folder, 'password'));
    expect(await done('get', 'httproute', 'cart')).toContain('cart');
  });
});
