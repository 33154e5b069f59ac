// Changes to the source of objects as branches and pull requests: at a real git server over HTTPS, with a provider beside it; hostile servers,
// credentials in logs and answers.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import type { Log } from '#lib/log.ts';
import { readConfig } from '../../admin/config.ts';
import { FolderStore } from '../../admin/configuration/folder-store.ts';
import { proposalArea } from '../../admin/proposal/operations.ts';
import { Proposals, type GitSettings } from '../../admin/proposal/proposals.ts';
import { startAdminApi, type TestApi } from '../support/admin-server.ts';
import { GitServer } from '../support/git-server.ts';

const ROUTE = `# The shop.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: cart # asked for by sales
  namespace: shop
spec:
  parentRefs:
    - name: gw
  rules:
    - backendRefs:
        - { name: cart, port: 80 } # the only one
---
# Kept as it is.
apiVersion: apps/v1
kind: Deployment
metadata: { name: cart, namespace: shop }
`;
const FILES = {
  'clusters/one/shop.yaml': ROUTE,
  'clusters/one/base/page.yaml': 'kind: ConfigMap\napiVersion: v1\nmetadata: { name: page }\ndata: { title: Shop } # shown\n',
  'clusters/one/base/kustomization.yaml': 'resources: [page.yaml]\n',
  'clusters/two/shop.yaml': ROUTE,
  'README.md': 'cart\n',
};
const CART = { kind: 'HTTPRoute', namespace: 'shop', name: 'cart' };
const LIVE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'cart', namespace: 'shop' } };
const RULES = [{ matches: [{ path: { type: 'PathPrefix', value: '/' } }], backendRefs: [{ name: 'cart', port: 80, weight: 1 }] }];

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-proposals-'));
const store = new FolderStore(folder, { controllerName: 'gateway.weir.dev/controller' });
let server: GitServer;
let lines = '';
const sink = new Writable({
  write(chunk: Buffer, _, done) {
    lines += chunk.toString();
    done();
  },
});
const log = pino({ level: 'trace' }, sink) as unknown as Log;
const apis: TestApi[] = [];

beforeAll(async () => {
  server = await GitServer.start(FILES);
  writeFileSync(path.join(folder, 'live.json'), JSON.stringify({ ...LIVE, spec: { parentRefs: [{ name: 'gw' }], rules: RULES } }));
});

afterAll(async () => {
  for (const api of apis) await api[Symbol.asyncDispose]();
  await store.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  server.clear();
  lines = '';
});

interface Answer {
  readonly status: number;
  readonly text: string;
  // The form of an answer is what the tests are about.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

/** An API whose repository is that of the server. */
async function apiWith(more: Partial<GitSettings> = {}): Promise<(body: object, caller?: string) => Promise<Answer>> {
  const { url, user, tokenFile, caFile } = server;
  const settings: GitSettings = {
    url,
    user,
    tokenFile,
    caFile,
    branch: 'main',
    folder: 'clusters/one',
    provider: 'None',
    api: '',
    ...more,
  };
  const api = await startAdminApi([proposalArea(new Proposals(settings, store, log))], {
    admin: { permissions: ['configuration:read', 'configuration:write'] },
    bank: { permissions: ['configuration:read', 'configuration:write'], namespace: 'bank' },
  });
  apis.push(api);
  return async (body, caller = 'admin') => {
    const headers = { authorization: `Bearer ${caller}`, 'content-type': 'application/json' };
    const answer = await fetch(`${api.url}/api/v1/proposals`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, text, body: JSON.parse(text) };
  };
}

const PATCH = { operation: 'patch', ...CART, merge: { spec: { hostnames: ['shop.example.com'] } } };

describe('a proposal', () => {
  test('edits the file of the object in place, on a branch with one commit', async () => {
    const propose = await apiWith();
    const { status, body } = await propose({ changes: [PATCH], title: 'Name the shop', description: 'For sales.' });
    expect([status, body.files, body.url]).toEqual([201, ['clusters/one/shop.yaml'], '']);
    expect(body.branch).toMatch(/^weir\/httproute-shop-cart-[0-9a-f]{8}$/);
    expect(server.git('show', `${body.branch}:clusters/one/shop.yaml`)).toBe(
      ROUTE.replace('# the only one\n', '# the only one\n  hostnames:\n    - shop.example.com\n'),
    );
    expect(server.git('log', '--format=%an|%s|%b|%H', `main..${body.branch}`).trim()).toBe(
      `admin|Name the shop|For sales.\n|${body.commit}`,
    );
    expect(server.git('diff', '--name-only', `main..${body.branch}`).trim()).toBe('clusters/one/shop.yaml');
    expect(server.git('fsck', '--strict')).toBe('');
  });

  test('takes several changes, also of an object whose namespace a Kustomization gives, a new one, and a removal', async () => {
    const propose = await apiWith();
    const changes = [
      { operation: 'patch', kind: 'ConfigMap', namespace: 'shop', name: 'page', merge: { data: { title: 'Store' } } },
      {
        operation: 'create',
        kind: 'ConfigMap',
        namespace: 'shop',
        name: 'new',
        object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' }, data: {} },
      },
      { operation: 'delete', ...CART },
    ];
    const { status, body } = await propose({ changes });
    expect([status, body.code]).toEqual([201, undefined]);
    expect(server.git('show', `${body.branch}:clusters/one/base/page.yaml`)).toContain('data: { title: Store } # shown');
    expect(server.git('ls-tree', '-r', '--name-only', body.branch)).toContain('clusters/one/configmap.shop.new.yaml');
    expect(server.git('show', `${body.branch}:clusters/one/shop.yaml`)).not.toContain('HTTPRoute');
    expect(server.git('show', `${body.branch}:clusters/two/shop.yaml`)).toBe(ROUTE);
  });

  test('writes of a replacement only what differs from the object in force', async () => {
    const propose = await apiWith();
    const spec = { parentRefs: [{ name: 'gw' }], rules: RULES, hostnames: ['shop.example.com'] };
    const { body } = await propose({ changes: [{ operation: 'replace', ...CART, object: { ...LIVE, spec } }] });
    expect(server.git('diff', `main..${body.branch}`).match(/^[+-] .*/gm)).toEqual(['+  hostnames:', '+    - shop.example.com']);
    const stale = await propose({ changes: [{ operation: 'replace', ...CART, object: { ...LIVE, spec }, etag: 'old' }] });
    expect([stale.status, stale.body.code]).toEqual([412, 'changed-meanwhile']);
  });

  test.each([
    ['GitHub', '/repos/shop/config/pulls', { head: expect.stringMatching(/^weir\//), base: 'main', body: '' }, /^Bearer /],
    [
      'GitLab',
      '/projects/shop%2Fconfig/merge_requests',
      { source_branch: expect.stringMatching(/^weir\//), target_branch: 'main' },
      /^Bearer /,
    ],
    ['Gitea', '/repos/shop/config/pulls', { head: expect.stringMatching(/^weir\//), base: 'main' }, /^token /],
  ] as const)('is a pull request at %s', async (provider, target, request, authorization) => {
    const propose = await apiWith({ provider, api: `${new URL(server.url).origin}/api/x` });
    const { body } = await propose({ changes: [PATCH] });
    expect([body.url, body.note]).toEqual(['https://localhost/shop/config/pulls/7', '']);
    expect(server.api).toEqual([
      {
        path: `/api/x${target}`,
        authorization: expect.stringMatching(authorization),
        body: expect.objectContaining({ title: 'Change HTTPRoute/shop/cart', ...request }),
      },
    ]);
  });

  test.each([
    ['a Secret', { ...PATCH, kind: 'Secret' }, {}, 'secret-not-proposed'],
    ['an object that no file defines', { ...PATCH, name: 'none' }, {}, 'source-unknown'],
    ['an object that two files define', PATCH, { folder: 'clusters' }, 'source-ambiguous'],
    [
      'a new object that is there',
      { operation: 'create', ...CART, object: { ...LIVE, spec: { parentRefs: [{ name: 'gw' }], rules: RULES } } },
      {},
      'object-exists',
    ],
    ['an invalid object', { ...PATCH, merge: { spec: { hostnames: 7 } } }, {}, 'object-invalid'],
    ['no difference', { ...PATCH, merge: { metadata: { name: 'cart' } } }, {}, 'source-unchanged'],
    ['a branch that does not exist', PATCH, { branch: 'none' }, 'git-failed'],
  ] as const)('of %s is refused, and pushes nothing', async (_, change, settings, code) => {
    const propose = await apiWith(settings);
    expect((await propose({ changes: [change] })).body.code).toBe(code);
    expect(server.git('branch', '--format=%(refname:short)').trim()).toBe('main');
  });

  test('needs the right to change each object', async () => {
    const propose = await apiWith();
    expect(await propose({ changes: [PATCH] }, 'bank')).toMatchObject({ status: 403, body: { code: 'permission-needed' } });
    expect(await propose({ changes: [PATCH], title: 'a\nauthor x <y@z> 0 +0000' })).toMatchObject({ status: 400 });
  });
});

describe('a hostile or broken server', () => {
  test('cannot lead requests or credentials elsewhere', async () => {
    const other = await GitServer.start(FILES);
    const seen: unknown[] = [];
    other.misbehave = (request, response) => {
      seen.push(request.headers);
      response.end();
    };
    const propose = await apiWith();
    for (const status of [301, 302, 307, 308]) {
      server.misbehave = (request, response) => void response.writeHead(status, { location: `${other.url}${request.url}` }).end();
      expect((await propose({ changes: [PATCH] })).body).toMatchObject({
        status: 502,
        code: 'git-failed',
        detail: expect.stringContaining(String(status)),
      });
    }
    server.clear();
    const elsewhere = await apiWith({ provider: 'Gitea', api: `${new URL(server.url).origin}/api/x` });
    expect((await elsewhere({ changes: [PATCH] })).status).toBe(201);
    expect(seen).toEqual([]);
    await other.stop();
  });

  test('makes no credentials appear in answers and logs', async () => {
    const propose = await apiWith();
    const texts: string[] = [];
    for (const status of [200, 401, 403, 404, 500]) {
      server.misbehave = (request, response) =>
        void response.writeHead(status, { 'x-told': request.headers.authorization }).end(String(request.headers.authorization));
      const answer = await propose({ changes: [PATCH] });
      expect([status, answer.status, answer.body.code]).toEqual([status, 502, 'git-failed']);
      texts.push(answer.text);
    }
    server.misbehave = (request) => request.socket.destroy();
    texts.push((await propose({ changes: [PATCH] })).text);
    const untrusted = await apiWith({ caFile: '' });
    server.misbehave = null;
    const refused = await untrusted({ changes: [PATCH] });
    expect([refused.body.code, lines.match(/"err":.*/)?.[0]]).toEqual(['git-failed', undefined]);
    const wrong = await apiWith({ tokenFile: path.join(folder, 'none') });
    texts.push(refused.text, (await wrong({ changes: [PATCH] })).text);
    const secrets = [server.token, Buffer.from(`${server.user}:${server.token}`).toString('base64')];
    for (const secret of secrets) expect(texts.join('') + lines).not.toContain(secret);
    expect(lines).toContain('could not be proposed');
  });
});

test.each(['http://git/a.git', 'https://user:hush@git/a.git', 'file:///etc', 'ssh://git/a', 'git@git:a', 'https://git/a?x=1'])(
  'the setting %s is refused, and not repeated',
  (url) => {
    const config = readConfig(['--git-repository', url], {});
    expect(config).toMatchObject({ ok: false, error: expect.stringContaining('--git-repository: must be an https URL') });
    expect(JSON.stringify(config)).not.toContain('hush');
  },
);
