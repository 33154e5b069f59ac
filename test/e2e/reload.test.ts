// What `weir up` says of edits: what changed, what was kept because an edit is broken, and what is solved.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';

let backend: Backend;
let folder = '';
let port = 0;
let weir: Child;

const route = (name: string, prefix: string, kind = 'HTTPRoute') =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec:\n  parentRefs: [{ name: gw }]\n  rules: [{ matches: [{ path: { value: ${prefix} } }], backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: backend }] }]`;

function save(name: string, ...documents: readonly string[]): void {
  writeFileSync(path.join(folder, name), documents.join('\n---\n'));
}

const status = async (url: string) => (await fetch(`http://127.0.0.1:${port}${url}`)).status;

/** Saves a file and resolves to the line of the log that matches. */
async function edit(said: RegExp, name: string, ...documents: readonly string[]): Promise<Record<string, unknown>> {
  const from = weir.output.length;
  save(name, ...documents);
  const [line] = await weir.printed(new RegExp(`^.*${said.source}.*$`, 'm'), from);
  return JSON.parse(line) as Record<string, unknown>;
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-reload-'));
  backend = await new Backend('backend').start();
  port = (await freePorts(1))[0] as number;
  save(
    'gateway.yaml',
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: gw }\nspec: { gatewayClassName: weir, listeners: [{ name: http, protocol: HTTP, port: ${port} }] }`,
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: backend }\nspec: { endpoints: [{ ip: 127.0.0.1, port: ${backend.port} }] }`,
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: app }\nspec: {}',
    'replicas: 3',
  );
  save('routes.yaml', route('web', '/web'));
  weir = new Child(['up', folder, '--access-log', 'off']);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  await backend.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('documents for other programs are counted in one line', () => {
  expect(weir.output).toContain(
    '"msg":"skipped 1 object of kinds that Weir does not read: 1 Deployment; and 1 document without a Kubernetes object"',
  );
  expect(weir.output).not.toContain('reloaded');
});

describe('a good edit', () => {
  test('names what was added, changed and removed, once it is served', async () => {
    const added = await edit(/reloaded/, 'routes.yaml', route('web', '/web2'), route('a', '/a'), route('b', '/b'));
    expect(added).toMatchObject({
      level: 'info',
      msg: 'reloaded: 2 HTTPRoutes added (default/a, default/b), 1 HTTPRoute changed (default/web)',
    });
    expect(await status('/web2')).toBe(200);
    expect(await edit(/reloaded/, 'routes.yaml', route('web', '/web2'))).toMatchObject({
      msg: 'reloaded: 2 HTTPRoutes removed (default/a, default/b)',
    });
  });

  test('says so when requests do not see the difference', async () => {
    const unused = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: unused }\ndata: { a: b }';
    const { msg } = await edit(/reloaded/, 'unused.yaml', unused);
    expect(msg).toBe('reloaded: 1 ConfigMap added (default/unused); the served configuration stays the same');
  });

  test('counts many objects without their names', async () => {
    const many = Array.from({ length: 12 }, (_, i) => route(`many-${i}`, `/many-${i}`));
    expect(await edit(/reloaded/, 'many.yaml', ...many)).toMatchObject({ msg: 'reloaded: 12 HTTPRoutes added' });
    expect(await edit(/reloaded/, 'many.yaml')).toMatchObject({ msg: 'reloaded: 12 HTTPRoutes removed' });
  });
});

describe('a broken edit', () => {
  test('of an object keeps its previous version; its correction is reported as solved', async () => {
    const broken = await edit(/kept as it was/, 'routes.yaml', route('web', 'web2'));
    expect(broken).toMatchObject({
      level: 'warn',
      file: path.join(folder, 'routes.yaml'),
      line: 6,
      object: 'HTTPRoute/default/web',
      field: 'spec.rules[0].matches[0].path.value',
      reason: expect.stringContaining('must start with /'),
      stillServed: ['HTTPRoute/default/web'],
      msg: 'kept as it was: HTTPRoute/default/web is still served in its last good form',
    });
    expect(await status('/web2')).toBe(200);
    const from = weir.output.length;
    const solved = await edit(/solved/, 'routes.yaml', route('web', '/web3'));
    expect(solved).toMatchObject({ level: 'info' });
    expect(solved).not.toHaveProperty('reason');
    expect(solved['msg']).toMatch(
      /^solved: \S*\/routes\.yaml:6 HTTPRoute\/default\/web spec\.rules\[0\]\.matches\[0\]\.path\.value: must start with \//,
    );
    await weir.printed(/reloaded: 1 HTTPRoute changed \(default\/web\)/, from);
    expect(await status('/web3')).toBe(200);
  });

  test('of a file keeps every object of it, and hides none of the problems before as solved', async () => {
    await edit(/left out/, 'routes.yaml', route('web', '/web3'), route('never', 'never'));
    const from = weir.output.length;
    const broken = await edit(/kept as it was/, 'routes.yaml', route('web', '/web4'), 'kind: [');
    expect(broken).toMatchObject({ object: '', stillServed: ['HTTPRoute/default/web'] });
    await edit(/reloaded/, 'routes.yaml', `# a line more\n${route('web', '/web4')}`, route('never', 'never'));
    expect(weir.output.slice(from)).not.toMatch(/solved: .*never/);
    expect(await status('/web4')).toBe(200);
  });

  test('of the name of a kind keeps the objects of the file', async () => {
    const { reason, msg } = await edit(/kept as it was/, 'routes.yaml', route('web', '/web5', 'HttpRoutes'));
    expect(reason).toContain('did you mean HTTPRoute?');
    expect(msg).toBe('kept as it was: HTTPRoute/default/web is still served in its last good form');
    expect(await status('/web4')).toBe(200);
  });

  test('of a reference is reported once, and as solved once the target exists', async () => {
    const lost = route('lost', '/lost').replace('group: gateway.weir.dev, kind: Backend, name: backend', 'name: nowhere, port: 80');
    expect(await edit(/not served as written/, 'lost.yaml', lost)).toMatchObject({
      object: 'HTTPRoute/default/lost',
      field: 'spec.rules[0].backendRefs[0]',
      line: 6,
    });
    const { msg } = await edit(/solved/, 'lost.yaml', route('lost', '/lost'));
    expect(msg).toMatch(/^solved: \S*\/lost\.yaml:6 HTTPRoute\/default\/lost spec\.rules\[0\]\.backendRefs\[0\]: BackendNotFound: /);
  });
});
