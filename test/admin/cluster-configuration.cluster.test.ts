// The operations on configuration, over HTTP, in a real cluster: server-side apply, owners of fields, objects of GitOps, dry runs, concurrent
// writes, Secrets, missing rights, and an API server that is away.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import { createLog } from '#lib/log.ts';
import { readConfig } from '../../admin/config.ts';
import { ClusterStore } from '../../admin/configuration/cluster/cluster-store.ts';
import type { ConfigurationObserver, ObjectChange, ObservedObject } from '../../admin/configuration/configuration-store.ts';
import { ConfigurationWriter } from '../../admin/configuration/configuration-writer.ts';
import { EVERYTHING } from '../../admin/configuration/label-selector.ts';
import { configurationArea } from '../../admin/configuration/operations.ts';
import { AdminProgram } from '../../admin/main.ts';
import { ApiClient, loadKubeConfig } from '../../controller/watch/api-client.ts';
import { startCluster, type Cluster } from '../cluster/cluster.ts';
import { startAdminApi, type TestApi } from '../support/admin-server.ts';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, gatewayClass, httpRoute, listOf } from '../support/objects.ts';
import { documentedRights } from '../support/rights.ts';

const PERMISSIONS = ['configuration:read', 'configuration:write'] as const;
const COMPILER = { controllerName: 'gateway.weir.dev/controller', fleets: { byDefault: 'Shared', lacks: '' } } as const;
const ROUTE = '/configuration/HTTPRoute/shop/cart';

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly text: string;
  // The form of an answer is what the tests are about.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

interface Call {
  readonly caller?: string;
  readonly body?: unknown;
  readonly ifMatch?: string;
}

describeWith(['cluster'], 'configuration in a cluster', () => {
  let ca: TestCa;
  let cluster: Cluster;
  let client: ApiClient;
  let store: ClusterStore;
  let api: TestApi;
  let stopObserving: (() => Promise<void>) | null = null;

  beforeAll(async () => {
    ca = await TestCa.create();
    cluster = await startCluster();
    client = new ApiClient(loadKubeConfig(cluster.kubeconfig));
    store = new ClusterStore(client, { namespaces: [], compiler: COMPILER });
    api = await startAdminApi([configurationArea(store, new ConfigurationWriter(store, { around: (_ref, _context, apply) => apply() }))], {
      admin: { permissions: PERMISSIONS },
      shop: { permissions: PERMISSIONS, namespace: 'shop' },
    });
    const namespaces = ['shop', 'bank'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
    const tls = { certificateRefs: [{ name: 'tls' }] };
    const listeners = [
      { name: 'http', port: 80 },
      { name: 'https', port: 443, protocol: 'HTTPS', tls },
    ];
    const { certificate, privateKey } = await ca.issue('cart', 'DNS:shop.example.com');
    const [crt, key] = await Promise.all([certificate, privateKey].map((file) => readFile(file, 'base64')));
    const data = { 'tls.crt': crt, 'tls.key': key };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'tls' }, type: 'kubernetes.io/tls', data };
    await cluster.apply(listOf(...namespaces, gatewayClass(), inShop(gateway('gw', listeners)), inShop(service('cart')), inShop(secret)));
  });

  afterAll(async () => {
    await stopObserving?.();
    await api?.[Symbol.asyncDispose]();
    await store?.close();
    await client?.close();
    await cluster?.stop();
    await ca?.remove();
  });

  beforeEach(async () => {
    if (await cluster.exists('httproute', 'cart', 'shop')) await cluster.remove('httproute', 'cart', 'shop');
    api.auditor.entries.length = 0;
  });

  async function call(method: string, target: string, { caller = 'admin', body, ifMatch }: Call = {}): Promise<Answer> {
    const headers: Record<string, string> = { authorization: `Bearer ${caller}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (ifMatch !== undefined) headers['if-match'] = ifMatch;
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await fetch(`${api.url}/api/v1${target}`, init);
    const text = await answer.text();
    return { status: answer.status, etag: answer.headers.get('etag') ?? '', text, body: text === '' ? {} : JSON.parse(text) };
  }

  const create = (object: object = inShop(httpRoute('cart', 'cart'))) =>
    call('POST', '/configuration/HTTPRoute/shop', { body: { object } });
  const patch = (target: string, merge: object, ifMatch = '*') => call('PATCH', target, { body: { merge }, ifMatch });

  /** The owners of the fields of an object, besides those of its status. */
  async function managers(kind: string, name: string): Promise<readonly string[]> {
    const { metadata } = (await cluster.object(kind, name, 'shop')) as unknown as { metadata: { managedFields: readonly Owner[] } };
    return metadata.managedFields.filter(({ subresource }) => subresource === undefined).map((each) => `${each.manager} ${each.operation}`);
  }

  test('creates, reads, replaces, patches and deletes', async () => {
    const created = await create();
    expect([created.status, created.body.place]).toEqual([201, null]);
    expect(created.body.object.metadata).toEqual({ name: 'cart', namespace: 'shop' });
    const read = await call('GET', ROUTE);
    expect([read.status, read.etag]).toEqual([200, created.etag]);
    const { object } = read.body;
    const put = await call('PUT', ROUTE, {
      body: { object: { ...object, metadata: { ...object.metadata, labels: { team: 'a' } } } },
      ifMatch: read.etag,
    });
    expect([put.status, put.body.object.metadata.labels]).toEqual([200, { team: 'a' }]);
    const patched = await patch(ROUTE, { metadata: { labels: { tier: 'web' } } }, put.etag);
    expect(patched.body.object.metadata.labels).toEqual({ team: 'a', tier: 'web' });
    const without = await patch(ROUTE, { metadata: { labels: { team: null } } }, patched.etag);
    expect(without.body.object.metadata.labels).toEqual({ tier: 'web' });
    expect(await managers('httproute', 'cart')).toEqual(['weir-admin Apply', 'weir-admin Update']);
    expect((await call('DELETE', ROUTE, { ifMatch: without.etag })).status).toBe(204);
    expect((await call('GET', ROUTE)).status).toBe(404);
    expect(api.auditor.entries).toHaveLength(5);
  });

  test('lists all kinds, in pages, by labels, in one namespace or all', async () => {
    await create();
    await create({ ...inShop(httpRoute('other', 'cart')), metadata: { name: 'other', namespace: 'shop', labels: { team: 'b' } } });
    const first = await call('GET', '/configuration/HTTPRoute?namespace=shop&limit=1');
    expect(namesIn(first)).toEqual(['cart']);
    const second = await call('GET', `/configuration/HTTPRoute?namespace=shop&limit=1&cursor=${first.body.next}`);
    expect([namesIn(second), second.body.next]).toEqual([['other'], null]);
    expect(namesIn(await call('GET', `/configuration/HTTPRoute?labelSelector=${encodeURIComponent('team in (a, b)')}`))).toEqual(['other']);
    expect((await call('GET', '/configuration/HTTPRoute?cursor=bm9uc2Vuc2U')).status).toBe(400);
    expect((await call('GET', `/configuration/HTTPRoute?cursor=${Buffer.from('0 x').toString('base64url')}`)).status).toBe(400);
    const { body } = await call('GET', '/configuration');
    for (const { kind } of body.items) expect([kind, (await call('GET', `/configuration/${kind}?limit=1`)).status]).toEqual([kind, 200]);
    expect((await call('GET', '/configuration/HTTPRoute?namespace=bank', { caller: 'shop' })).status).toBe(403);
    await call('DELETE', '/configuration/HTTPRoute/shop/other', { ifMatch: '*' });
  });

  test('refuses to change fields of another manager until it may take them over', async () => {
    await cluster.apply(
      JSON.stringify(inShop({ ...httpRoute('cart', 'cart'), metadata: { name: 'cart', labels: { team: 'a', tier: 'web' } } })),
    );
    const unrelated = await patch(ROUTE, { metadata: { labels: { own: 'x' } } });
    expect(unrelated.status).toBe(200);
    for (const merge of [{ metadata: { labels: { team: 'b' } } }, { metadata: { labels: { team: null } } }]) {
      const refused = await patch(ROUTE, merge);
      expect([refused.status, refused.body.code, refused.body.managers]).toEqual([409, 'field-conflict', ['test']]);
      expect(refused.body.errors).toEqual([{ field: 'metadata.labels.team', reason: 'belongs to test' }]);
    }
    const forced = await call('PATCH', `${ROUTE}?force=true`, {
      body: { merge: { metadata: { labels: { team: 'b', tier: null } } } },
      ifMatch: '*',
    });
    expect(forced.body.object.metadata.labels).toEqual({ team: 'b', own: 'x' });
    // What it has not changed stays with its manager.
    expect(await managers('httproute', 'cart')).toContain('test Apply');
    await cluster.apply(JSON.stringify(inShop({ ...httpRoute('cart', 'cart', ['gw/http']), metadata: { name: 'cart' } })));
    expect((await call('GET', ROUTE)).body.object.spec.parentRefs[0].sectionName).toBe('http');
  });

  test.each<[string, string, object, object]>([
    ['argocd', 'Argo CD', { annotations: { 'argocd.argoproj.io/tracking-id': 'shop:gateway.networking.k8s.io/HTTPRoute:shop/cart' } }, {}],
    ['argocd-controller', 'Argo CD', { labels: { 'app.kubernetes.io/instance': 'shop' } }, {}],
    [
      'kustomize-controller',
      'Flux',
      { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' } },
      { name: 'flux-system/apps' },
    ],
    [
      'helm-controller',
      'Flux',
      { labels: { 'helm.toolkit.fluxcd.io/name': 'shop', 'helm.toolkit.fluxcd.io/namespace': 'shop' } },
      { name: 'shop/shop' },
    ],
    [
      'helm',
      'Helm',
      {
        labels: { 'app.kubernetes.io/managed-by': 'Helm' },
        annotations: { 'meta.helm.sh/release-name': 'web', 'meta.helm.sh/release-namespace': 'shop' },
      },
      { name: 'shop/web' },
    ],
  ])('does not overwrite an object of %s (%s), and tells the change for its source', async (manager, tool, metadata, owner) => {
    const object = inShop({ ...httpRoute('cart', 'cart'), metadata: { name: 'cart', ...metadata } });
    const path = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes';
    expect((await cluster.send('POST', `${path}?fieldManager=${manager}`, { body: object })).status).toBe(201);
    const merge = { spec: { hostnames: ['shop.example.com'] } };
    const refused = await call('PATCH', `${ROUTE}?force=true`, { body: { merge }, ifMatch: '*' });
    expect([refused.status, refused.body.code]).toEqual([403, 'managed-by-gitops']);
    expect(refused.body).toMatchObject({ managedBy: { tool, name: 'shop', ...owner }, mergePatch: merge });
    expect(refused.body.changes).toEqual([{ path: 'spec.hostnames[0]', after: 'shop.example.com' }]);
    const removal = await call('DELETE', ROUTE, { ifMatch: '*' });
    expect([removal.body.code, removal.body.changes]).toEqual(['managed-by-gitops', []]);
    // What a change of the source would do can still be asked.
    const dry = await dryRun({ operation: 'patch', ...nameOf('cart'), merge });
    expect(dry.body.objects[0].fields).toEqual([{ path: 'spec.hostnames[0]', after: 'shop.example.com' }]);
    expect(dry.body.resources.length).toBeGreaterThan(0);
  });

  const dryRun = (...changes: readonly object[]) => call('POST', '/dry-runs', { body: { changes } });
  const nameOf = (name: string) => ({ kind: 'HTTPRoute', namespace: 'shop', name });

  test('tells the effects of changes, and makes none', async () => {
    await create();
    const changes = [
      { operation: 'create', ...nameOf('new'), object: inShop(httpRoute('new', 'no-such-service')) },
      { operation: 'delete', ...nameOf('cart') },
      {
        operation: 'create',
        kind: 'Namespace',
        namespace: '-',
        name: 'later',
        object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'later' } },
      },
      {
        operation: 'create',
        ...nameOf('x'),
        namespace: 'later',
        object: { ...httpRoute('x', 'x'), metadata: { name: 'x', namespace: 'later' } },
      },
    ];
    const { status, body } = await dryRun(...changes);
    expect([status, body.code]).toEqual([200, undefined]);
    expect(body.objects.map(({ change }: { change: string }) => change)).toEqual(['created', 'deleted', 'created', 'created']);
    expect(body.listeners).toEqual(['shop/gw/http', 'shop/gw/https']);
    const routes = body.resources.filter(({ kind }: { kind: string }) => kind === 'Route');
    expect(routes.map((each: Effect) => `${each.change} ${each.origin.name}`).sort()).toEqual(['added new', 'removed cart']);
    expect(body.conditions).toContainEqual(
      expect.objectContaining({
        ref: expect.objectContaining({ name: 'new' }),
        type: 'ResolvedRefs',
        after: expect.objectContaining({ status: 'False' }),
      }),
    );
    expect(await cluster.exists('httproute', 'new', 'shop')).toBe(false);
    expect(await cluster.exists('httproute', 'cart', 'shop')).toBe(true);
    // The rules of the CRD itself.
    const spec = { parentRefs: [{ name: 'gw' }, { name: 'gw' }] };
    const invalid = await dryRun({ operation: 'patch', ...nameOf('cart'), merge: { spec } });
    expect([invalid.status, invalid.body.code]).toEqual([422, 'object-invalid']);
  });

  test('makes one of two concurrent changes, and a new status is no change', async () => {
    const { etag } = await create();
    await cluster.patch('httproute', 'cart', { status: { parents: [] } }, { namespace: 'shop', subresource: 'status' });
    const teams = ['a', 'b', 'c', 'd'];
    const answers = await Promise.all(teams.map((team) => patch(ROUTE, { metadata: { labels: { team } } }, etag)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
    const winner = answers.find(({ status }) => status === 200);
    expect(answers.find(({ status }) => status === 412)?.body.currentETag).toBe(winner?.etag.replaceAll('"', ''));
    expect((await call('GET', ROUTE)).body.object.metadata.labels.team).toBe(winner?.body.object.metadata.labels.team);
    const creations = await Promise.all(teams.map(() => create({ ...inShop(httpRoute('twice', 'cart')) })));
    expect(creations.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    expect((await call('DELETE', '/configuration/HTTPRoute/shop/twice', { ifMatch: etag })).status).toBe(412);
    expect((await call('DELETE', '/configuration/HTTPRoute/shop/twice', { ifMatch: '*' })).status).toBe(204);
  });

  test('changes the entries of a list that belong to it, and leaves those of others', async () => {
    await cluster.apply(JSON.stringify(inShop(gateway('shared', [{ name: 'http', port: 80 }]))));
    const path = '/configuration/Gateway/shop/shared';
    const { body, etag } = await call('GET', path);
    const { object } = body;
    const listeners = [...object.spec.listeners, { name: 'own', port: 8080, protocol: 'HTTP' }];
    const added = await call('PUT', path, { body: { object: { ...object, spec: { ...object.spec, listeners } } }, ifMatch: etag });
    expect(added.status).toBe(200);
    await cluster.apply(JSON.stringify(inShop(gateway('shared', [{ name: 'http', port: 81 }]))));
    const removed = await call('PUT', path, {
      body: { object: { ...object, spec: { ...object.spec, listeners: [{ ...object.spec.listeners[0], port: 81 }] } } },
      ifMatch: '*',
    });
    expect([removed.status, removed.body.object.spec.listeners.map(({ name }: { name: string }) => name)]).toEqual([200, ['http']]);
    const foreign = await call('PUT', path, { body: { object }, ifMatch: '*' });
    expect([foreign.status, foreign.body.errors]).toEqual([
      409,
      [{ field: 'spec.listeners[{"name":"http"}].port', reason: 'belongs to test' }],
    ]);
  });

  test('never tells the data of a Secret, and keeps its annotations', async () => {
    const path = '/configuration/Secret/shop/keys';
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'keys', namespace: 'shop', annotations: { note: 'hush-note' } },
      stringData: { token: 'hush-hush' },
    };
    const created = await call('POST', '/configuration/Secret/shop', { body: { object: secret } });
    expect([created.status, created.body.entries]).toEqual([201, ['token']]);
    const replaced = await call('PUT', path, {
      body: { object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { other: 'hush-too' } } },
      ifMatch: created.etag,
    });
    expect([replaced.status, replaced.body.entries]).toEqual([200, ['other']]);
    const live = (await cluster.object('secret', 'keys', 'shop')) as { metadata: { annotations: object }; data: Record<string, string> };
    expect([live.metadata.annotations, live.data]).toEqual([{ note: 'hush-note' }, { other: Buffer.from('hush-too').toString('base64') }]);
    const wrong = await patch(path, { data: { other: 'not base64: hush-hush' } });
    expect(wrong.status).toBe(422);
    const dry = await dryRun({
      operation: 'patch',
      kind: 'Secret',
      namespace: 'shop',
      name: 'keys',
      merge: { stringData: { other: 'hush-next' } },
    });
    expect(dry.status).toBe(200);
    const all = [created, replaced, wrong, dry, await call('GET', path), await call('GET', '/configuration/Secret?namespace=shop')];
    expect(all.map(({ text }) => text).join('') + JSON.stringify(api.auditor.entries)).not.toMatch(/hush|aHVzaC/);
    await call('DELETE', path, { ifMatch: '*' });
  });

  test('names what the API server refuses', async () => {
    const gone = await call('POST', '/configuration/HTTPRoute/nowhere', { body: { object: { ...httpRoute('cart', 'cart') } } });
    expect([gone.status, gone.body.code]).toEqual([404, 'namespace-unknown']);
    const rule = { matches: [{ path: { type: 'PathPrefix', value: '/a//b' } }] };
    const invalid = await create(inShop({ ...httpRoute('cart', 'cart'), spec: { parentRefs: [{ name: 'gw' }], rules: [rule] } }));
    expect([invalid.status, invalid.body.code]).toEqual([422, 'object-invalid']);
  });

  test('observes objects, with the manager of each change', async () => {
    const recorder = new Recorder();
    stopObserving = store.observe(recorder);
    const names = (await recorder.first).map(({ ref }) => `${ref.kind}/${ref.name}`);
    expect(names).toEqual(expect.arrayContaining(['Gateway/gw', 'Service/cart', 'GatewayClass/weir']));
    await create();
    const { manager, stored } = await recorder.next('cart');
    expect([manager, stored?.object['metadata']]).toEqual(['weir-admin', { name: 'cart', namespace: 'shop' }]);
    await call('DELETE', ROUTE, { ifMatch: '*' });
    expect((await recorder.next('cart')).stored).toBeNull();
  });

  test('does its work with the rights of the chart, and reads no Secrets', async () => {
    const account = await cluster.account('admin', documentedRights('admin.md'));
    const own = new ApiClient(loadKubeConfig(account.kubeconfig));
    const limited = new ClusterStore(own, { namespaces: [], compiler: COMPILER });
    const query = { namespace: null, selector: EVERYTHING, limit: 10, cursor: null };
    try {
      for (const kind of Object.keys(KINDS) as KindName[]) {
        const listed = await limited.list(kind, query);
        expect([kind, listed.ok || listed.error.code]).toEqual([kind, kind === 'Secret' ? 'cluster-forbidden' : true]);
      }
      const ref = { kind: 'HTTPRoute', namespace: 'shop', name: 'cart' };
      const object = inShop(httpRoute('cart', 'cart', ['gw/https'])) as JsonObject;
      // The certificate of the listener cannot be read, and its routes are still compiled.
      const dry = await limited.dryRun([{ ref, operation: 'create', object }]);
      expect(dry).toMatchObject({ ok: true, value: { refused: [], effects: { listeners: ['shop/gw/https'] } } });
      const changes: readonly ObjectChange[] = [
        { ref, operation: 'create', object },
        { ref, operation: 'patch', patch: { merge: { metadata: { labels: { team: 'a' } } } }, etag: null },
        { ref, operation: 'patch', patch: { merge: { metadata: { labels: null } } }, etag: null },
        { ref, operation: 'delete', etag: null },
      ];
      for (const change of changes) expect(await limited.apply(change)).toMatchObject({ ok: true });
      const service = {
        ref: { ...ref, kind: 'Service' },
        operation: 'patch',
        patch: { merge: { metadata: { labels: { a: 'b' } } } },
        etag: null,
      } as const;
      expect(await limited.apply(service)).toMatchObject({ ok: false, error: { status: 403, code: 'cluster-forbidden' } });
      expect(await limited.get({ kind: 'Secret', namespace: 'shop', name: 'tls' })).toMatchObject({
        error: {
          code: 'cluster-forbidden',
          detail: 'the admin program may not get secrets in the namespace shop; give its ServiceAccount the right',
        },
      });
      for (const [group, resource, verb] of OTHER_RIGHTS) {
        const spec = { resourceAttributes: { group, resource, verb, namespace: 'shop' } };
        const body = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec };
        const answer = await own.ask({ method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', body });
        expect([resource, verb, (answer as { readonly status: { readonly allowed: boolean } }).status.allowed]).toEqual([
          resource,
          verb,
          false,
        ]);
      }
    } finally {
      await limited.close();
      await own.close();
    }
  });

  test('is what `weir admin` serves, with revisions of all changes', async () => {
    const account = await cluster.account('program', documentedRights('admin.md'));
    const folder = await mkdtemp(path.join(tmpdir(), 'weir-program-'));
    const loopback = ['--admin-api-address', '127.0.0.1:0', '--metrics-address', '127.0.0.1:0'];
    const config = readConfig([...loopback, '--admin-store', path.join(folder, 'a.sqlite'), '--kubeconfig', account.kubeconfig], {});
    if (!config.ok) throw new Error(config.error);
    const first = Promise.withResolvers<string>();
    const program = new AdminProgram(config.value, createLog('silent'), (_, password) => first.resolve(password));
    try {
      const started = await program.start();
      if (!started.ok) throw new Error(started.error);
      const url = `${started.value}/api/v1`;
      const json = { 'content-type': 'application/json' };
      const credentials = JSON.stringify({ user: 'admin', password: await first.promise });
      const login = await fetch(`${url}/login`, { method: 'POST', headers: json, body: credentials });
      const { csrfToken } = (await login.json()) as { readonly csrfToken: string };
      const cookie = login.headers.get('set-cookie')?.split(';')[0] ?? '';
      const headers = { ...json, cookie, 'weir-csrf-token': csrfToken, 'sec-fetch-site': 'same-origin' };
      const body = JSON.stringify({ object: inShop(httpRoute('cart', 'cart')) });
      const created = await fetch(`${url}/configuration/HTTPRoute/shop`, { method: 'POST', headers, body });
      expect([created.status, (await created.text()).includes('"place":null')]).toEqual([201, true]);
      await cluster.apply(JSON.stringify(inShop(httpRoute('foreign', 'cart'))));
      const revisions = async (name: string) => {
        const answer = await fetch(`${url}/revisions?kind=HTTPRoute&namespace=shop&name=${name}`, { headers });
        return ((await answer.json()) as { readonly items: readonly unknown[] }).items;
      };
      expect(await revisions('cart')).toMatchObject([{ origin: 'api', actor: { name: 'admin' } }]);
      await cluster.until('a revision', async () => (await revisions('foreign')).length === 1);
      expect(await revisions('foreign')).toMatchObject([{ origin: 'kubernetes', actor: { name: 'test' } }]);
    } finally {
      await program.stop();
      await rm(folder, { recursive: true });
    }
  });

  test('answers that the cluster is away, and works when it is back', async () => {
    await create();
    await cluster.stopApiServer();
    for (const answer of [
      await call('GET', ROUTE),
      await call('GET', '/configuration/HTTPRoute'),
      await patch(ROUTE, {}),
      await dryRun({ operation: 'delete', ...nameOf('cart') }),
    ])
      expect([answer.status, answer.body.code]).toEqual([503, 'cluster-away']);
    await cluster.startApiServer();
    await cluster.until('an answer', async () => (await call('GET', ROUTE)).status === 200);
    expect((await patch(ROUTE, { metadata: { labels: { team: 'back' } } })).status).toBe(200);
    await cluster.until('a dry run', async () => (await dryRun({ operation: 'delete', ...nameOf('cart') })).status === 200);
  });
});

/** Rights with which the program would be more than it is. */
const OTHER_RIGHTS = [
  ['', 'secrets', 'get'],
  ['', 'secrets', 'list'],
  ['', 'pods', 'create'],
  ['', 'pods/exec', 'create'],
  ['', 'serviceaccounts/token', 'create'],
  ['', 'namespaces', 'create'],
  ['', 'users', 'impersonate'],
  ['apps', 'deployments', 'patch'],
  ['rbac.authorization.k8s.io', 'roles', 'create'],
  ['rbac.authorization.k8s.io', 'clusterrolebindings', 'create'],
  ['admissionregistration.k8s.io', 'validatingwebhookconfigurations', 'create'],
  ['apiextensions.k8s.io', 'customresourcedefinitions', 'update'],
] as const;

interface Owner {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
}

interface Effect {
  readonly change: string;
  readonly origin: { readonly name: string };
}

function inShop(manifest: object): object {
  const { metadata } = manifest as { readonly metadata: object };
  return { ...manifest, metadata: { ...metadata, namespace: 'shop' } };
}

function service(name: string): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }] } };
}

function namesIn({ body }: Answer): readonly string[] {
  const { items } = body as { readonly items: readonly { readonly object: { readonly metadata: { readonly name: string } } }[] };
  return items.map(({ object }) => object.metadata.name);
}

/** Keeps what it is told. */
class Recorder implements ConfigurationObserver {
  readonly #synced = Promise.withResolvers<readonly ObservedObject[]>();
  readonly first = this.#synced.promise;
  readonly #told: ObservedObject[] = [];
  #more = Promise.withResolvers<void>();

  synced(objects: readonly ObservedObject[]): void {
    this.#synced.resolve(objects);
  }

  changed(objects: readonly ObservedObject[]): void {
    this.#told.push(...objects);
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /** The next change of an object. */
  async next(name: string): Promise<ObservedObject> {
    for (;;) {
      const i = this.#told.findIndex(({ ref }) => ref.name === name);
      const [found] = i === -1 ? [] : this.#told.splice(0, i + 1).slice(-1);
      if (found !== undefined) return found;
      await this.#more.promise;
    }
  }
}
