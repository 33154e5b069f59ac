// `weir try`: what a rule and its HTTPPolicy change in a request and an answer.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { tryOut } from './try.ts';

const OBJECTS = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: weir }
spec: { controllerName: gateway.weir.dev/controller }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: gw }
spec: { gatewayClassName: weir, listeners: [{ name: http, port: 8080, protocol: HTTP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: app }
spec:
  parentRefs: [{ name: gw }]
  rules:
    - filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { remove: [x-debug] } }]
---
apiVersion: gateway.weir.dev/v1alpha1
kind: HTTPPolicy
metadata: { name: users }
spec:
  targetRefs: [{ kind: HTTPRoute, name: app }]
  request:
    path: { match: "^/v1/users/(.+)$", replace: "/accounts/$1" }
    headers: { set: [{ name: x-caller, value: principal.id }] }
    body: { remove: [/debug] }
  response:
    status: [{ when: response.status == 500, to: 502 }]
    body: { set: [{ path: /user, value: "path.captures[1]" }] }
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-try-'));
  writeFileSync(path.join(folder, 'all.yaml'), OBJECTS);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function tried(...args: readonly string[]): Promise<readonly [code: number, output: string]> {
  const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    const code = await tryOut.run([...args, '--config', folder], () => Promise.resolve([]));
    return [code, log.mock.calls.flat().join('\n')];
  } finally {
    log.mockRestore();
  }
}

const JSON_TYPE = ['-H', 'content-type: application/json'];

test('shows what changes in the request and the answer', async () => {
  const [code, output] = await tried(
    ...['http://a:8080/v1/users/7', '-X', 'POST', ...JSON_TYPE, '-H', 'x-debug: 1', '-d', '{"debug":1,"a":2}', '--principal', 'alice'],
    ...['--status', '500', '--answer-header', 'content-type: application/json', '--answer-body', '{}'],
  );
  expect([code, output.split('\n')]).toEqual([
    0,
    [
      'route     HTTPRoute/default/app/0',
      'request   POST /v1/users/7 -> POST /accounts/7',
      '  - x-debug: 1',
      '  + x-caller: alice',
      '  - body {"debug":1,"a":2}',
      '  + body {"a":2}',
      'answer    500 -> 502',
      '  - body {}',
      '  + body {"user":"7"}',
    ],
  ]);
});

test('shows a refusal', async () => {
  const [code, output] = await tried('http://a:8080/v1/users/..x', '-X', 'POST', ...JSON_TYPE, '-d', '{');
  expect([code, output.split('\n').at(-1)]).toEqual([1, expect.stringContaining('refused   400 body_unreadable: the body is not')]);
});

test('has the same as JSON', async () => {
  const [, output] = await tried('http://a:8080/v1/users/7?q', '--format', 'json');
  expect(JSON.parse(output)).toMatchObject({
    request: { after: { line: 'GET /accounts/7?q' } },
    answer: { after: { line: '200' } },
    refusal: null,
  });
});

test('says that no rule gets the request', async () => {
  expect(await tried('http://a:8081/')).toEqual([1, 'no rule gets the request: `weir explain` says why']);
});
