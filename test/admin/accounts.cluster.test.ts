// ServiceAccounts of a real cluster as callers of the admin API: which of their tokens count, and what a lost API server means for them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLog } from '#lib/log.ts';
import { readConfig } from '../../admin/config.ts';
import { TokenReviewer } from '../../admin/identity/token-reviewer.ts';
import { AdminProgram } from '../../admin/main.ts';
import { ApiClient, loadKubeConfig, type ApiCall } from '../../controller/watch/api-client.ts';
import { startCluster, type Account, type Cluster } from '../cluster/cluster.ts';

const RIGHTS = [{ apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] }];
const lines: string[] = [];
const LOG = createLog('info', { write: (line: string) => void lines.push(line) });

let folder: string;
let cluster: Cluster;
let reviewing: Account;
let program: AdminProgram;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-accounts-'));
  cluster = await startCluster({ weirCrds: false });
  reviewing = await cluster.account('weir-admin', RIGHTS);
  await cluster.account('ci', []);
  await cluster.account('stranger', []);
  const loopback = ['--admin-api-address', '127.0.0.1:0', '--metrics-address', '127.0.0.1:0'];
  const config = readConfig([...loopback, '--admin-store', path.join(folder, 'a.sqlite'), '--kubeconfig', reviewing.kubeconfig], {});
  if (!config.ok) throw new Error(config.error);
  const first = Promise.withResolvers<string>();
  program = new AdminProgram(config.value, LOG, (_, password) => first.resolve(password));
  const started = await program.start();
  if (!started.ok) throw new Error(started.error);
  url = `${started.value}/api/v1`;
  await bindViewer(await first.promise);
}, 120_000);

afterAll(async () => {
  await program?.stop();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Gives the account default/ci the role viewer in one namespace. */
async function bindViewer(password: string): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const login = await fetch(`${url}/login`, { method: 'POST', headers: json, body: JSON.stringify({ user: 'admin', password }) });
  const { csrfToken } = (await login.json()) as { readonly csrfToken: string };
  const headers = { ...json, cookie: login.headers.get('set-cookie')?.split(';')[0] ?? '', 'weir-csrf-token': csrfToken };
  const binding = { subjectKind: 'serviceAccount', subject: 'default/ci', role: 'viewer', namespaces: ['shop'] };
  const body = JSON.stringify(binding);
  const bound = await fetch(`${url}/bindings`, { method: 'POST', headers: { ...headers, 'sec-fetch-site': 'same-origin' }, body });
  expect([bound.status, bound.status < 300 ? '' : await bound.text()]).toEqual([201, '']);
}

async function tokenOf(account: string, ...audiences: readonly string[]): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences, expirationSeconds: 3_600 } };
  const answer = await cluster.send('POST', `/api/v1/namespaces/default/serviceaccounts/${account}/token`, { body });
  return (JSON.parse(answer.body) as { readonly status: { readonly token: string } }).status.token;
}

async function call(path: string, token: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** A reviewer of its own, which has kept nothing, and the number of its questions. */
function reviewer(kubeconfig: string) {
  const client = new ApiClient(loadKubeConfig(kubeconfig));
  const counted = { calls: 0, call: (request: ApiCall) => (counted.calls++, client.call(request)) };
  return { counted, close: () => client.close(), it: new TokenReviewer({ client: counted, audience: 'weir-admin', log: LOG }) };
}

test('have the rights of their bindings, with a token for the audience', async () => {
  const token = await tokenOf('ci', 'weir-admin');
  expect(await call('/me', token)).toMatchObject({ status: 200, body: { kind: 'serviceAccount', name: 'default/ci', everywhere: [] } });
  expect((await call('/me', token)).body['somewhere']).toContain('configuration:read');
  expect(await call('/users', token)).toMatchObject({ status: 403, body: { code: 'permission-needed' } });
  // An account without a binding is known, and may do nothing.
  expect(await call('/me', await tokenOf('stranger', 'weir-admin'))).toMatchObject({ body: { everywhere: [], somewhere: [] } });
});

test('are refused with tokens for others, and with forged ones', async () => {
  const right = await tokenOf('ci', 'weir-admin');
  const [head = '', , signature = ''] = right.split('.');
  const claims = Buffer.from(JSON.stringify({ sub: 'system:serviceaccount:default:ci', aud: ['weir-admin'] })).toString('base64url');
  const wrong = [await tokenOf('ci'), await tokenOf('ci', 'vault'), reviewing.token, `${head}.${claims}.${signature}`, 'a.b.c', '..', 'x.'];
  for (const token of wrong) expect(await call('/me', token)).toMatchObject({ status: 401, body: { code: 'credentials-invalid' } });
});

test('cost one question for a while, and are worth nothing once the account is deleted', async () => {
  const token = await tokenOf('stranger', 'weir-admin');
  const { counted, it, close } = reviewer(reviewing.kubeconfig);
  const found = await Promise.all([it.review(token), it.review(token)]);
  expect(await it.review(token)).toEqual({ ok: true, value: { name: 'default/stranger' } });
  expect([found[0], counted.calls]).toEqual([found[1], 1]);
  await close();
  // One that the API server has not met: it keeps results for a while, too.
  const unused = await tokenOf('stranger', 'weir-admin');
  await cluster.remove('serviceaccount', 'stranger');
  const later = reviewer(reviewing.kubeconfig);
  expect(await later.it.review(unused)).toEqual({ ok: true, value: null });
  await later.close();
});

test('are not reviewed without the right to, and the log has the reason', async () => {
  const { kubeconfig } = await cluster.account('weak', []);
  const { it, close } = reviewer(kubeconfig);
  expect(await it.review(await tokenOf('ci', 'weir-admin'))).toMatchObject({
    ok: false,
    error: { status: 503, code: 'account-review-away' },
  });
  expect(lines.join('')).toContain('cannot create resource');
  await close();
});

test('get their own refusal while the API server is away, and no token is in the log', async () => {
  const token = await tokenOf('ci', 'weir-admin');
  await cluster.stopApiServer();
  expect(await call('/me', token)).toMatchObject({ status: 503, body: { code: 'account-review-away' } });
  expect(lines.join('')).not.toContain(token);
  expect((await fetch(`${url}/health`)).status).toBe(200);
});
