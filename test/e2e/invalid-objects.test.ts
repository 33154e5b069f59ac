// An invalid object affects only itself: its requests get a clear error, the log has the reason, and all others are served.
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

const TO_BACKEND = 'backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: backend }]';

function route(name: string, rule: string): string {
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ${name} }\nspec: { parentRefs: [{ name: gw }], rules: [${rule}] }`;
}

function pathRule(value: string, rest: string): string {
  return `{ matches: [{ path: { value: ${value} } }], ${rest} }`;
}

/** Invalid objects, each in its own way; the number is the status of its requests. */
const INVALID: readonly (readonly [string, string, number, RegExp])[] = [
  ['schema', route('schema', pathRule('/schema', 'timeouts: { request: soon }')), 404, /timeouts\.request/],
  [
    'missing-backend',
    route('missing-backend', pathRule('/missing-backend', 'backendRefs: [{ name: nowhere, port: 80 }]')),
    500,
    /Service\/default\/nowhere does not exist/,
  ],
  [
    'forbidden',
    route('forbidden', pathRule('/forbidden', 'backendRefs: [{ name: x, namespace: other, port: 80 }]')),
    500,
    /no ReferenceGrant permits/,
  ],
  [
    'regex',
    route('regex', `{ matches: [{ path: { type: RegularExpression, value: "/regex(" } }], ${TO_BACKEND} }`),
    404,
    /spec\.rules\[0\]\.matches\[0\]\.path/,
  ],
  ['no-backend', route('no-backend', '{ matches: [{ path: { value: /no-backend } }] }'), 500, /serving/],
  [
    'unknown-filter',
    route(
      'unknown-filter',
      pathRule('/unknown-filter', `filters: [{ type: ExtensionRef, extensionRef: { group: x.y, kind: Z, name: n } }], ${TO_BACKEND}`),
    ),
    500,
    /Z\/n of group/,
  ],
];

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-invalid-'));
  backend = await new Backend('backend').start();
  port = (await freePorts(1))[0] as number;
  const documents = [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    `apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: gw }\nspec: { gatewayClassName: weir, listeners: [{ name: http, protocol: HTTP, port: ${port} }, { name: tls, protocol: HTTPS, port: ${port + 1}, tls: { certificateRefs: [{ name: no-secret }] } }] }`,
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: backend }\nspec: { endpoints: [{ ip: 127.0.0.1, port: ${backend.port} }] }`,
    route('good', pathRule('/good', TO_BACKEND)),
    ...INVALID.map(([, document]) => document),
    route('good', pathRule('/other', TO_BACKEND)),
  ];
  writeFileSync(path.join(folder, 'all.yaml'), documents.join('\n---\n'));
  weir = new Child(['up', folder]);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  await backend.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function get(pathname: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${port}${pathname}`);
  return { status: response.status, body: await response.json() };
}

describe('an invalid object', () => {
  test('does not prevent valid ones from being served', async () => {
    expect(await get('/good')).toMatchObject({ status: 200, body: { backend: 'backend' } });
  });

  test.each(INVALID)('%s: its requests get a clear error and the log has the reason', async (name, _, status, said) => {
    expect(await get(`/${name}`)).toMatchObject({ status, body: { status, code: expect.stringMatching(/^[a-z_]+$/) } });
    await weir.printed(said);
  });

  test('defined twice: the first is used, and the problem of the second names the first', async () => {
    expect((await get('/other')).status).toBe(404);
    await weir.printed(/is already defined in .*all\.yaml:\d+, which is used/);
  });

  test('a listener without its certificate does not affect the others', async () => {
    await weir.printed(/no-secret/);
    expect((await get('/good')).status).toBe(200);
  });
});

describe('an expression that would explode in a backtracking engine', () => {
  test('is matched in linear time', async () => {
    writeFileSync(
      path.join(folder, 'explode.yaml'),
      route('explode', `{ matches: [{ path: { type: RegularExpression, value: "/(a+)+b" } }], ${TO_BACKEND} }`),
    );
    const deadline = performance.now() + 5_000;
    while ((await get('/aab')).status !== 200 && performance.now() < deadline);
    expect((await get('/aab')).status).toBe(200);
    const started = performance.now();
    expect((await get(`/${'a'.repeat(5_000)}`)).status).toBe(404);
    // A backtracking engine would need 2^5000 steps, so no time limit decides: the test would never end.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
