// Configuration in a real folder: edits in place, new files, refusals, and attacks on the folder.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { KindName } from '#api/k8s/kinds.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { Result } from '#lib/result.ts';
import { readOnce } from '../../controller/watch/folder.ts';
import type { AdminProblem } from '../api/problem.ts';
import type { ObjectChange, ObjectPatch, StoredObject } from './configuration-store.ts';
import { FolderStore } from './folder-store.ts';
import { EVERYTHING, parseSelector } from './label-selector.ts';
import { checkedRef } from './planned-change.ts';

let folder = '';
let store: FolderStore;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-folder-store-'));
  store = new FolderStore(folder, { controllerName: 'gateway.weir.dev/controller', allowLoopback: true });
});

afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function put(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
}

function textOf(file: string): string {
  return readFileSync(path.join(folder, file), 'utf8');
}

function valueOf<T>(result: Result<T, AdminProblem>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.detail}`);
  return result.value;
}

function codeOf(result: Result<unknown, AdminProblem>): string {
  return result.ok ? 'ok' : `${result.error.status} ${result.error.code}`;
}

function refOf(kind: KindName, name: string, namespace = 'default'): ObjectRef {
  return { kind, namespace, name };
}

async function get(ref: ObjectRef): Promise<StoredObject> {
  return valueOf(await store.get(ref));
}

async function patch(ref: ObjectRef, merge: JsonObject): Promise<Result<unknown, AdminProblem>> {
  return store.apply({ ref, operation: 'patch', patch: { merge }, etag: null });
}

function backend(name: string, port: number): string {
  return `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata:\n  name: ${name}\nspec:\n  endpoints:\n  - ip: 10.0.0.1 # the first\n    port: ${port}\n`;
}

function backendObject(name: string, port: number): JsonObject {
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: { name }, spec: { endpoints: [{ ip: '10.0.0.1', port }] } };
}

const SECRET = 'apiVersion: v1\nkind: Secret\nmetadata: { name: keys }\nstringData:\n  token: hush-hush\n';

describe('edits in place', () => {
  test('a patch changes its field and keeps comments, order, quotes and the other documents', async () => {
    const other = `# odd   spacing, kept\n${backend('b', 2).replace('spec:', 'spec:   ')}`;
    put('all.yaml', `# Head of the file.\n\n# The first.\n${backend('a', 1)}---\n${other}`);
    const changed = valueOf(
      await store.apply({
        ref: refOf('Backend', 'a'),
        operation: 'patch',
        patch: { json: [{ op: 'replace', path: '/spec/endpoints/0/port', value: 8080 }] },
        etag: null,
      }),
    );
    expect(textOf('all.yaml')).toBe(`# Head of the file.\n\n# The first.\n${backend('a', 8080)}---\n${other}`);
    expect(changed.after).toMatchObject({ place: { file: 'all.yaml', line: 4 }, etag: (await get(refOf('Backend', 'a'))).etag });
    expect(changed.before?.etag).not.toBe(changed.after?.etag);
  });

  test('a replacement writes what differs, and a namespace that the file leaves out stays out', async () => {
    put('a.yaml', backend('a', 1).replace('  endpoints:', '  # Where it is.\n  endpoints:'));
    const object = {
      ...backendObject('a', 1),
      spec: {
        endpoints: [
          { ip: '10.0.0.1', port: 1 },
          { ip: '10.0.0.2', port: 2 },
        ],
      },
    };
    const { etag } = await get(refOf('Backend', 'a'));
    valueOf(await store.apply({ ref: refOf('Backend', 'a'), operation: 'replace', object, etag }));
    expect(textOf('a.yaml')).toBe(
      backend('a', 1).replace('  endpoints:', '  # Where it is.\n  endpoints:') + '  - ip: 10.0.0.2\n    port: 2\n',
    );
  });

  test('an anchor that other objects use keeps its value for them', async () => {
    const shared = 'metadata: { name: a }\nspec:\n  endpoints: &where\n    - { ip: 10.0.0.1, port: 1 }\n';
    const header = 'apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\n';
    const list = `apiVersion: v1\nkind: List\nitems:\n- ${(header + shared).trim().replaceAll('\n', '\n  ')}\n- ${header.trim().replaceAll('\n', '\n  ')}\n  metadata: { name: b }\n  spec: { endpoints: *where }\n`;
    put('list.yaml', list);
    valueOf(await patch(refOf('Backend', 'a'), { spec: { endpoints: [{ ip: '10.0.0.9', port: 9 }] } }));
    expect((await get(refOf('Backend', 'a'))).object['spec']).toEqual({ endpoints: [{ ip: '10.0.0.9', port: 9 }] });
    expect((await get(refOf('Backend', 'b'))).object['spec']).toEqual({ endpoints: [{ ip: '10.0.0.1', port: 1 }] });
    valueOf(await store.apply({ ref: refOf('Backend', 'a'), operation: 'delete', etag: null }));
    expect((await readOnce([folder])).objects.map(({ metadata }) => metadata.name)).toEqual(['b', 'default']);
  });

  test('a field that a merge key adds is changed, and taken out, for its object only', async () => {
    put(
      'm.yaml',
      `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: { name: a }\n  data: &data { x: "1", y: "2" }\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: { name: b }\n  data: { <<: *data, z: "3" }\n`,
    );
    valueOf(await patch(refOf('ConfigMap', 'b'), { data: { x: '9' } }));
    expect(textOf('m.yaml')).toContain('<<: *data');
    valueOf(await patch(refOf('ConfigMap', 'b'), { data: { y: null } }));
    expect((await get(refOf('ConfigMap', 'b'))).object['data']).toEqual({ x: '9', z: '3' });
    expect((await get(refOf('ConfigMap', 'a'))).object['data']).toEqual({ x: '1', y: '2' });
  });

  test('JSON stays JSON: one object, a list, a sequence', async () => {
    const [a, b] = [backendObject('a', 1), backendObject('b', 2)];
    put('one.json', `${JSON.stringify(a, null, 4)}\n`);
    put('two.json', `${JSON.stringify(b)}\n${JSON.stringify(backendObject('c', 3))}\n`);
    put('list.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [backendObject('d', 4), backendObject('e', 5)] }, null, 2));
    for (const name of ['a', 'c', 'e']) valueOf(await patch(refOf('Backend', name), { metadata: { labels: { seen: 'yes' } } }));
    const labelled = (object: JsonObject): JsonObject => ({
      ...object,
      metadata: { ...(object['metadata'] as JsonObject), labels: { seen: 'yes' } },
    });
    expect(textOf('one.json')).toBe(`${JSON.stringify(labelled(a), null, 4)}\n`);
    expect(textOf('two.json')).toBe(`${JSON.stringify(b)}\n${JSON.stringify(labelled(backendObject('c', 3)))}\n`);
    expect(JSON.parse(textOf('list.json'))).toEqual({
      apiVersion: 'v1',
      kind: 'List',
      items: [backendObject('d', 4), labelled(backendObject('e', 5))],
    });
  });

  test('text that kubectl would read as something else gets quotes', async () => {
    put('a.yaml', backend('a', 1));
    valueOf(await patch(refOf('Backend', 'a'), { metadata: { labels: { on: 'yes', code: '0123' } } }));
    expect(textOf('a.yaml')).toMatch(/labels:\n {4}"?on"?: "yes"\n {4}code: "0123"/);
  });

  test('a deletion keeps the other documents; the last one takes the file with it', async () => {
    put('all.yaml', `${backend('a', 1)}---\n# Second.\n${backend('b', 2)}`);
    valueOf(await store.apply({ ref: refOf('Backend', 'a'), operation: 'delete', etag: null }));
    expect(textOf('all.yaml')).toBe(`---\n# Second.\n${backend('b', 2)}`);
    valueOf(await store.apply({ ref: refOf('Backend', 'b'), operation: 'delete', etag: null }));
    expect(readdirSync(folder)).toEqual([]);
  });

  test('the mode of the file stays, and no temporary file is left', async () => {
    put('a.yaml', backend('a', 1));
    chmodSync(path.join(folder, 'a.yaml'), 0o640);
    valueOf(await patch(refOf('Backend', 'a'), { metadata: { labels: { x: 'y' } } }));
    expect(statSync(path.join(folder, 'a.yaml')).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder)).toEqual(['a.yaml']);
  });
});

describe('agreement with the source', () => {
  test('of two documents of one object, the one in force is read and changed', async () => {
    put('b.yaml', backend('a', 2));
    put('a.yaml', backend('a', 1));
    expect((await get(refOf('Backend', 'a'))).place).toEqual({ file: 'a.yaml', line: 1 });
    valueOf(await patch(refOf('Backend', 'a'), { spec: { endpoints: [{ ip: '10.0.0.1', port: 3 }] } }));
    expect([textOf('a.yaml'), textOf('b.yaml')]).toEqual([backend('a', 3), backend('a', 2)]);
    expect((await readOnce([folder])).objects[0]).toMatchObject({ spec: { endpoints: [{ port: 3 }] } });
  });

  test('an object whose document is not valid is not shadowed by a new one', async () => {
    put('a.yaml', backend('a', 99_999));
    const change: ObjectChange = { ref: refOf('Backend', 'a'), operation: 'create', object: backendObject('a', 1) };
    expect(codeOf(await store.apply(change))).toBe('409 file-invalid');
    expect(codeOf(await store.get(refOf('Backend', 'a')))).toBe('409 file-invalid');
  });

  test('lists have pages, namespaces and selectors', async () => {
    for (const [i, name] of ['c', 'a', 'b'].entries())
      put(`${i}.yaml`, backend(name, 1).replace('metadata:', `metadata:\n  labels: { tier: t${i} }`));
    put('other.yaml', backend('z', 1).replace('metadata:', 'metadata:\n  namespace: other'));
    const names = async (
      namespace: string | null,
      selector: string,
      limit = 10,
      cursor: string | null = null,
    ): Promise<[string[], string | null]> => {
      const parsed = parseSelector(selector);
      const query = { namespace, selector: parsed.ok ? parsed.value : EVERYTHING, limit, cursor };
      const page = valueOf(await store.list('Backend', query));
      return [page.items.map(({ ref }) => ref.name), page.next];
    };
    expect(await names(null, '')).toEqual([['a', 'b', 'c', 'z'], null]);
    expect(await names('default', 'tier in (t0, t2)')).toEqual([['b', 'c'], null]);
    expect(await names('default', 'tier!=t1,!legacy')).toEqual([['b', 'c'], null]);
    const [first, next] = await names(null, '', 3);
    expect([first, await names(null, '', 3, next)]).toEqual([
      ['a', 'b', 'c'],
      [['z'], null],
    ]);
  });
});

describe('new objects', () => {
  test('a new object gets a file of its own, which the source reads', async () => {
    valueOf(await store.apply({ ref: refOf('Backend', 'shop'), operation: 'create', object: backendObject('shop', 80) }));
    expect(readdirSync(folder)).toEqual(['backend.default.shop.yaml']);
    expect((await readOnce([folder])).objects[0]).toMatchObject({ kind: 'Backend', metadata: { name: 'shop', namespace: 'default' } });
    const again: ObjectChange = { ref: refOf('Backend', 'shop'), operation: 'create', object: backendObject('shop', 80) };
    expect(codeOf(await store.apply(again))).toBe('409 object-exists');
  });

  test('the file of a Secret is for its owner only', async () => {
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { token: 'x' } };
    valueOf(await store.apply({ ref: refOf('Secret', 'keys'), operation: 'create', object }));
    expect(statSync(path.join(folder, 'secret.default.keys.yaml')).mode & 0o777).toBe(0o600);
  });

  test('a file in the way is not replaced, not even as a dangling link', async () => {
    put('backend.default.a.yaml', '# notes of an operator\n');
    symlinkSync('/tmp/weir-nowhere.yaml', path.join(folder, 'backend.default.b.yaml'));
    for (const name of ['a', 'b'])
      expect(codeOf(await store.apply({ ref: refOf('Backend', name), operation: 'create', object: backendObject(name, 1) }))).toBe(
        '409 file-exists',
      );
    expect(textOf('backend.default.a.yaml')).toBe('# notes of an operator\n');
    expect(lstatSync(path.join(folder, 'backend.default.b.yaml')).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder)).toHaveLength(2);
  });
});

describe('concurrent changes', () => {
  test('an ETag of an older state is refused with the current one', async () => {
    put('a.yaml', backend('a', 1));
    const { etag } = await get(refOf('Backend', 'a'));
    put('a.yaml', backend('a', 22));
    const refused = await store.apply({ ref: refOf('Backend', 'a'), operation: 'delete', etag });
    const current = (await get(refOf('Backend', 'a'))).etag;
    expect(refused).toMatchObject({ ok: false, error: { status: 412, more: { currentETag: current } } });
    expect(textOf('a.yaml')).toBe(backend('a', 22));
  });

  test('of many writers with one ETag, one wins', async () => {
    put('a.yaml', backend('a', 1));
    const { etag } = await get(refOf('Backend', 'a'));
    const write = (port: number): Promise<Result<unknown, AdminProblem>> =>
      store.apply({ ref: refOf('Backend', 'a'), operation: 'replace', object: backendObject('a', port), etag });
    const codes = (await Promise.all([2, 3, 4, 5].map(write))).map(codeOf);
    expect(codes.sort()).toEqual(['412 changed-meanwhile', '412 changed-meanwhile', '412 changed-meanwhile', 'ok']);
  });
});

describe('attacks', () => {
  test.each([
    ['../../etc/passwd', 'default'],
    ['a/../../b', 'default'],
    ['.hidden', 'default'],
    ['a\0b', 'default'],
    ['A', 'default'],
    ['x'.repeat(254), 'default'],
    ['a', '../..'],
    ['a', 'b.c'],
    ['a', ''],
  ])('the name %j in the namespace %j is refused', (name, namespace) => {
    expect(codeOf(checkedRef('Backend', namespace, name))).toBe('400 invalid-fields');
  });

  test('a long name makes a file name that fits', async () => {
    const name = `${'x'.repeat(252)}y`;
    valueOf(await store.apply({ ref: refOf('Backend', name), operation: 'create', object: backendObject(name, 1) }));
    expect(await get(refOf('Backend', name))).toMatchObject({ object: { metadata: { name } } });
  });

  test('a link that leaves the folder is read, and never written', async () => {
    const outside = mkdtempSync(path.join(os.tmpdir(), 'weir-outside-'));
    writeFileSync(path.join(outside, 'a.yaml'), backend('a', 1));
    symlinkSync(path.join(outside, 'a.yaml'), path.join(folder, 'a.yaml'));
    expect(codeOf(await patch(refOf('Backend', 'a'), { metadata: { labels: { x: 'y' } } }))).toBe('409 file-outside');
    expect(codeOf(await store.apply({ ref: refOf('Backend', 'a'), operation: 'delete', etag: null }))).toBe('409 file-outside');
    expect(readFileSync(path.join(outside, 'a.yaml'), 'utf8')).toBe(backend('a', 1));
    rmSync(outside, { recursive: true });
  });

  test('a link inside of the folder stays a link', async () => {
    put('real/a.yaml', backend('b', 1));
    symlinkSync('real/a.yaml', path.join(folder, 'z.yaml'));
    valueOf(await patch(refOf('Backend', 'b'), { metadata: { labels: { x: 'y' } } }));
    expect(lstatSync(path.join(folder, 'z.yaml')).isSymbolicLink()).toBe(true);
    expect(textOf('real/a.yaml')).toContain('x: "y"');
  });

  test('aliases that grow without end are a broken file, which is not edited', async () => {
    const levels = Array.from(
      { length: 20 },
      (_, i) =>
        `  l${i}: &l${i} [${Array<string>(9)
          .fill(i === 0 ? 'x' : `*l${i - 1}`)
          .join(', ')}]`,
    );
    put('bomb.yaml', `${backend('a', 1)}---\n${backend('b', 1)}bomb:\n${levels.join('\n')}\n`);
    expect(codeOf(await patch(refOf('Backend', 'b'), { metadata: { labels: { x: 'y' } } }))).toMatch(/^40[49] /);
    expect(codeOf(await patch(refOf('Backend', 'a'), { metadata: { labels: { x: 'y' } } }))).toMatch(
      /^(?:404 object-unknown|409 file-not-editable)$/,
    );
  });

  test.each<[string, ObjectPatch]>([
    ['a merge patch', { merge: JSON.parse('{"metadata":{"labels":{"__proto__":{"polluted":"yes"}}}}') as JsonObject }],
    ['a JSON patch', { json: [{ op: 'add', path: '/metadata/__proto__', value: { polluted: 'yes' } }] }],
    ['a path of a JSON patch', { json: [{ op: 'add', path: '/constructor/prototype/polluted', value: 'yes' }] }],
  ])('%s with names of prototypes is refused', async (_, each) => {
    put('a.yaml', backend('a', 1));
    expect(codeOf(await store.apply({ ref: refOf('Backend', 'a'), operation: 'patch', patch: each, etag: null }))).toMatch(/^422 /);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(textOf('a.yaml')).toBe(backend('a', 1));
  });

  test.each<[string, JsonObject]>([
    ['another namespace', { metadata: { namespace: 'kube-system' } }],
    ['another name', { metadata: { name: 'b' } }],
    ['another kind', { kind: 'Secret', apiVersion: 'v1' }],
    ['no object', { metadata: null }],
  ])('a patch to %s is refused', async (_, merge) => {
    put('a.yaml', backend('a', 1));
    expect(codeOf(await patch(refOf('Backend', 'a'), merge))).toBe('422 object-mismatch');
  });

  test('a list as the body, a huge object and a deep one are refused', async () => {
    const create = (object: JsonObject): Promise<Result<unknown, AdminProblem>> =>
      store.apply({ ref: refOf('ConfigMap', 'a'), operation: 'create', object });
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } };
    expect(codeOf(await create({ apiVersion: 'v1', kind: 'List', items: [map] }))).toBe('422 object-mismatch');
    expect(codeOf(await create({ ...map, data: { x: 'y'.repeat(1_100_000) } }))).toBe('413 object-too-large');
    const deep = JSON.parse(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`) as JsonObject;
    expect(codeOf(await create({ ...map, data: deep }))).toBe('422 object-invalid');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('an object that is not valid is not written, and each wrong field is named', async () => {
    put('a.yaml', backend('a', 1));
    const refused = await patch(refOf('Backend', 'a'), { spec: { endpoints: [{ ip: 'nowhere', port: 70_000 }], bogus: true } });
    expect(refused).toMatchObject({ ok: false, error: { status: 422, code: 'object-invalid' } });
    expect(refused.ok ? [] : refused.error.errors?.map(({ field }) => field)).toEqual(
      expect.arrayContaining(['spec.bogus', 'spec.endpoints[0].port']),
    );
    expect(textOf('a.yaml')).toBe(backend('a', 1));
  });

  test('a ConfigMap cannot take a file with a Secret for its entry', async () => {
    put('secret.yaml', SECRET);
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', annotations: { 'gateway.weir.dev/files': 'secret.yaml' } },
    };
    expect(codeOf(await store.apply({ ref: refOf('ConfigMap', 'a'), operation: 'create', object }))).toBe('422 object-invalid');
  });

  test.each<[string, ObjectPatch]>([
    ['test', { json: [{ op: 'test', path: '/stringData/token', value: 'guess' }] }],
    ['copy', { json: [{ op: 'copy', from: '/stringData/token', path: '/metadata/labels' }] }],
    ['move', { json: [{ op: 'move', from: '/stringData/token', path: '/type' }] }],
  ])('a patch of a Secret with %s is refused, since it would tell its data', async (_, each) => {
    put('secret.yaml', SECRET);
    expect(codeOf(await store.apply({ ref: refOf('Secret', 'keys'), operation: 'patch', patch: each, etag: null }))).toBe(
      '422 secret-unreadable',
    );
    const bare = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' } };
    expect(codeOf(await store.apply({ ref: refOf('Secret', 'keys'), operation: 'replace', object: bare, etag: null }))).toBe(
      '422 secret-incomplete',
    );
  });
});

describe('dry run', () => {
  const CLASS =
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }\n';
  const GATEWAY =
    'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: edge }\nspec:\n  gatewayClassName: weir\n  listeners:\n    - { name: http, port: 8080, protocol: HTTP }\n';
  const ROUTE =
    'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: shop }\nspec:\n  parentRefs: [{ name: edge }]\n  rules:\n    - backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: a }]\n';

  test('tells routes, listeners, conditions and problems with their lines, and changes nothing', async () => {
    put('all.yaml', `${CLASS}---\n${GATEWAY}---\n${backend('a', 1)}---\n${ROUTE}`);
    const before = textOf('all.yaml');
    const rules = [
      { matches: [{ path: { value: '/new' } }], backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'missing' }] },
    ];
    const { changes, effects } = valueOf(
      await store.dryRun([
        { ref: refOf('Backend', 'b'), operation: 'create', object: backendObject('b', 2) },
        { ref: refOf('HTTPRoute', 'shop'), operation: 'patch', patch: { merge: { spec: { rules } } }, etag: null },
      ]),
    );
    expect(changes.map(({ ref, before: old, after }) => [ref.name, old === null, after?.place?.file])).toEqual([
      ['b', true, 'backend.default.b.yaml'],
      ['shop', false, 'all.yaml'],
    ]);
    expect(effects.resources.find(({ kind }) => kind === 'Route')).toMatchObject({ change: 'changed', origin: { name: 'shop' } });
    expect(effects.listeners).toHaveLength(1);
    expect(effects.conditions).toContainEqual(
      expect.objectContaining({
        ref: refOf('HTTPRoute', 'shop'),
        type: 'ResolvedRefs',
        before: expect.objectContaining({ status: 'True' }) as unknown,
        after: expect.objectContaining({ status: 'False', reason: 'BackendNotFound' }) as unknown,
      }),
    );
    const problem = effects.problems.find(({ object }) => object === 'HTTPRoute/default/shop');
    expect(problem).toMatchObject({ severity: 'error', file: 'all.yaml', line: 29, field: 'spec.rules[0].backendRefs[0]' });
    expect([textOf('all.yaml'), readdirSync(folder)]).toEqual([before, ['all.yaml']]);
  });

  test('a deletion tells the route that goes, and a second dry run starts from the folder again', async () => {
    put('all.yaml', `${CLASS}---\n${GATEWAY}---\n${backend('a', 1)}---\n${ROUTE}`);
    const remove: ObjectChange = { ref: refOf('HTTPRoute', 'shop'), operation: 'delete', etag: null };
    for (let i = 0; i < 2; i++) {
      const { effects } = valueOf(await store.dryRun([remove]));
      expect(effects.resources.filter(({ kind }) => kind === 'Route').map(({ change }) => change)).toEqual(['removed']);
    }
    const { effects } = valueOf(await store.dryRun([]));
    expect(effects).toMatchObject({ resources: [], listeners: [], conditions: [], problems: [], solved: [] });
  });

  test('other operations are answered meanwhile', async () => {
    put('all.yaml', `${CLASS}---\n${GATEWAY}---\n${backend('a', 1)}---\n${ROUTE}`);
    let isRunning = true;
    const running = store.dryRun([{ ref: refOf('HTTPRoute', 'shop'), operation: 'delete', etag: null }]).finally(() => (isRunning = false));
    const merge = { spec: { listeners: [{ name: 'http', port: 8081, protocol: 'HTTP' }] } };
    valueOf(await store.get(refOf('HTTPRoute', 'shop')));
    valueOf(await store.apply({ ref: refOf('Gateway', 'edge'), operation: 'patch', patch: { merge }, etag: null }));
    expect(isRunning).toBe(true);
    // The change came too late for it.
    expect(valueOf(await running).effects.listeners).toHaveLength(1);
    expect(valueOf(await store.dryRun([])).effects).toMatchObject({ resources: [], listeners: [], conditions: [] });
  });

  test('the data of a Secret tells nothing: equal values and others have the same effects', async () => {
    put('secret.yaml', SECRET);
    const guess = (token: string): ObjectChange => ({
      ref: refOf('Secret', 'keys'),
      operation: 'replace',
      object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { token } },
      etag: null,
    });
    const [right, wrong] = [valueOf(await store.dryRun([guess('hush-hush')])), valueOf(await store.dryRun([guess('other')]))];
    expect(right.effects).toEqual(wrong.effects);
  });
});
