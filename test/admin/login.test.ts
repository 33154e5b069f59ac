// weir login, logout and context against `weir up`: passwords and tokens that no list of processes shows, a file that only its owner reads,
// and servers that want the credentials of others.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parse } from 'yaml';
import { totpCode } from '../../admin/identity/totp.ts';
import { CliUser, startAdminUp, type AdminUp } from '../support/admin-cli.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
let up: AdminUp;
let cli: CliUser;

beforeAll(async () => {
  up = await startAdminUp();
});
afterAll(async () => up[Symbol.asyncDispose]());
beforeEach(() => {
  cli = new CliUser();
});
afterEach(() => cli[Symbol.dispose]());

const passwordOf = (password: string) => cli.file('password', `${password}\n`);
const login = (...more: readonly string[]) =>
  cli.done('login', up.url, '--context', 'local', '--user', 'admin', '--password-file', passwordOf(up.password), ...more);

interface Shown {
  readonly currentContext?: string;
  readonly contexts: Readonly<Record<string, { readonly session?: { readonly cookie: string }; readonly token?: string }>>;
}
const contexts = () => parse(readFileSync(cli.contexts, 'utf8')) as Shown;

describe('the first password', () => {
  test('makes a context that only its owner reads, and logout ends the session', async () => {
    expect(await login()).toBe(`logged in at ${up.url} as admin; the context local is in use\n`);
    expect(statSync(cli.contexts).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(cli.contexts)).mode & 0o777).toBe(0o700);
    const cookie = contexts().contexts['local']?.session?.cookie ?? '';
    const asked = () => fetch(`${up.url}/api/v1/me`, { headers: { cookie } });
    expect((await asked()).status).toBe(200);
    expect(await cli.done('context', 'list')).toMatch(/^\* +local +http:\S+ +admin +default +session$/m);
    expect(await cli.done('logout')).toBe('the context local has no credentials any more\n');
    expect((await asked()).status).toBe(401);
    expect(contexts().contexts['local']).toEqual({ url: up.url, user: 'admin' });
  });

  test('is refused when it is wrong, and not repeated', async () => {
    const wrong = passwordOf('quite-wrong-password');
    const { code, stderr } = await cli.weir(['login', up.url, '--user', 'admin', '--password-file', wrong]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^weir: [^\n]+\n$/);
    expect(stderr).not.toContain('quite-wrong');
    expect(existsSync(cli.contexts)).toBe(false);
  });

  test('is asked for on a terminal, without an echo', async () => {
    const words = [process.execPath, path.join(ROOT, 'cli', 'weir.ts'), 'login', up.url].join(' ');
    const terminal = spawn('script', ['-qec', words, '/dev/null'], { env: { ...process.env, WEIR_CONFIG: cli.contexts } });
    let shown = '';
    const answers = new Map([
      ['User: ', 'admin\r'],
      ['Password of admin: ', `x\u0015${up.password}y\u007f\r`],
    ]);
    terminal.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      const [question, answer] = [...answers].find(([each]) => shown.includes(each)) ?? ['', ''];
      if (answers.delete(question)) terminal.stdin.write(answer);
    });
    await once(terminal, 'close');
    expect(shown).toContain(`logged in at ${up.url} as admin`);
    expect(shown).not.toContain(up.password);
    expect(Object.keys(contexts().contexts)).toEqual([new URL(up.url).host]);
  });

  test('needs a terminal or a file', async () => {
    const { code, stderr } = await cli.weir(['login', up.url, '--user', 'admin']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'weir: there is no terminal to ask for the password of admin; give --password-file FILE, or - for the standard input\n',
    });
  });
});

/** Calls the API with the session of the context. */
async function call(method: string, at: string, body: object): Promise<Readonly<Record<string, unknown>>> {
  const { cookie = '', csrfToken = '' } = (contexts().contexts['local']?.session ?? {}) as {
    readonly cookie?: string;
    readonly csrfToken?: string;
  };
  const headers = { cookie, origin: up.url, 'weir-csrf-token': csrfToken, 'content-type': 'application/json' };
  const response = await fetch(`${up.url}/api/v1${at}`, { method, headers, body: JSON.stringify(body) });
  return (await response.json()) as Readonly<Record<string, unknown>>;
}

test('a new user changes its password, and gives the code of its second factor', async () => {
  await login();
  const { password } = await call('POST', '/users', { name: 'ben' });
  const first = ['login', up.url, '--context', 'local', '--user', 'ben', '--password-file', passwordOf(String(password))];
  expect(await cli.done(...first)).toContain('the password must be changed before anything else');
  const next = 'nine red kites at dawn';
  expect(await cli.done(...first, '--new-password-file', cli.file('next', next))).toContain('the password is changed');
  const { secret } = await call('POST', '/me/totp', { password: next });
  const code = totpCode(String(secret), Date.now());
  await call('POST', '/me/totp/confirmation', { code });
  const again = ['login', up.url, '--user', 'ben', '--password-file', passwordOf(next)];
  const refused = await cli.weir(again);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(/code/) });
  const later = totpCode(String(secret), Date.now() + 30_000);
  expect(await cli.done(...again, '--code', later)).toContain('as ben');
});

const token = 'weir_0123456789abcdef';

describe('a token', () => {
  test('comes from the standard input, and is kept', async () => {
    await login();
    const token = String((await call('POST', '/me/tokens', { name: 'ci', days: 1 }))['secret']);
    const { code, stdout } = await cli.weir(['login', up.url, '--context', 'ci', '--token-file', '-'], { input: `${token}\n` });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('the context ci is in use') });
    expect(contexts()).toMatchObject({ currentContext: 'ci', contexts: { ci: { token } } });
    expect(await cli.done('context', 'use', 'local', '-n', 'shop')).toContain('the context local is in use');
    expect(await cli.done('context', 'list', '-o', 'json')).not.toContain(token);
    expect(await cli.done('context', 'delete', 'ci')).toContain('deleted');
    expect(Object.keys(contexts().contexts)).toEqual(['local']);
  });

  test('that the server repeats is hidden, and controls of a terminal are not obeyed', async () => {
    const detail = `\u001b]0;owned\u0007 no ${token}\u009b2J\u202e`;
    const server = http.createServer((_, response) => {
      response.writeHead(401, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ code: 'token-invalid', detail }));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stderr } = await cli.weir(['login', url, '--token-file', '-'], { input: token });
    server.close();
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'weir: ?]0;owned? no [redacted]?2J?\n' });
  });
});

describe('the file of contexts', () => {
  test('with credentials that others may read is refused', async () => {
    await login();
    chmodSync(cli.contexts, 0o640);
    const { code, stderr } = await cli.weir(['context', 'list']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`chmod 600 ${cli.contexts}`) });
  });

  test('without contexts says what to do', async () => {
    const { stderr } = await cli.weir(['logout']);
    expect(stderr).toBe('weir: there is no context: log in with weir login, or give --server URL with WEIR_TOKEN\n');
  });
});
