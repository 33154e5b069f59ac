import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readOnce } from '../controller/watch/folder.ts';
import { fieldOf, fileOf, messageOf, rawMessage, setOf } from '../test/support/descriptors.ts';
import { runWeir } from '../test/support/child.ts';
import type { Finding } from '../controller/lint/finding.ts';
import { findingsOf } from './validate.ts';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'weir-validate-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GATEWAY = [
  'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
  'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: gw }\nspec:\n  gatewayClassName: weir\n  listeners: [{ name: http, protocol: HTTP, port: 80 }]',
  'apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: backend }\nspec: { endpoints: [{ ip: 127.0.0.1, port: 1 }] }',
];

function route(name: string, rule: string, parent = 'gw'): string {
  return `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ${name} }\nspec:\n  parentRefs: [{ name: ${parent} }]\n  rules:\n    - ${rule}`;
}

const TO_BACKEND = 'backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: backend }]';

function file(...documents: readonly string[]): string {
  const name = path.join(folder, 'all.yaml');
  writeFileSync(name, [...GATEWAY, ...documents].join('\n---\n'));
  return name;
}

/** The descriptor of a method with this path for GET (the field 2 of `google.api.http`). */
function boundMethod(name: string, path: string): Buffer {
  return rawMessage([1, name], [2, '.t.M'], [3, '.t.M'], [4, rawMessage([72_295_728, rawMessage([2, path])])]);
}

async function findings(...documents: readonly string[]): Promise<readonly Finding[]> {
  const all = findingsOf(await readOnce([file(...documents)]));
  return all.filter(({ severity }) => severity !== 'info');
}

describe('findings', () => {
  test('none in good files', async () => {
    expect(await findings(route('good', TO_BACKEND))).toEqual([]);
  });

  test('about descriptors: services that they do not have, methods without paths, paths that no route reaches, and faults', async () => {
    const methods = ['/a/{name}', '/b/{name}'].map((path, i): [number, Buffer] => [2, boundMethod(`M${i}`, path)]);
    const set = setOf(fileOf([messageOf('M', [fieldOf('name', 1, 'string')])], [6, rawMessage([1, 'S'], ...methods)]));
    const configMap = (bytes: Buffer): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: api }\nbinaryData: { a.pb: ${bytes.toString('base64')} }`;
    const policy = (services: string): string =>
      `apiVersion: gateway.weir.dev/v1alpha1\nkind: HTTPPolicy\nmetadata: { name: api }\nspec:\n  targetRefs: [{ kind: HTTPRoute, name: a }]\n  grpcJson: { descriptors: { configMapRef: { name: api }, key: a.pb }, services: [${services}] }`;
    const rule = route('a', `{ matches: [{ path: { value: /a } }], ${TO_BACKEND} }`);
    const lines = (found: readonly Finding[]): string[] => found.map(({ object, field, reason }) => `${object} ${field} ${reason}`);
    expect(lines(await findings(rule, policy('t.S'), configMap(set)))).toEqual([
      'HTTPPolicy/default/api spec.grpcJson.descriptors no route of the policy reaches GET /b/{name} of t.S.M1, in entry a.pb of ConfigMap/default/api',
    ]);
    expect(lines(await findings(rule, policy('t.T'), configMap(set)))).toEqual([
      expect.stringContaining('spec.grpcJson.services[0] entry a.pb of ConfigMap/default/api has no service t.T'),
      expect.stringContaining('spec.grpcJson.descriptors no method in entry a.pb of ConfigMap/default/api has google.api.http'),
    ]);
    expect(lines(await findings(rule, policy('t.S'), configMap(setOf(fileOf([], [3, 'x.proto'])))))).toEqual([
      expect.stringContaining('InvalidDocument: entry a.pb of ConfigMap/default/api: t.proto: it imports x.proto'),
    ]);
  });

  test('about rules for messages: methods and fields that descriptors do not have, expressions, and descriptors with faults', async () => {
    const call = rawMessage([1, 'Get'], [2, '.t.M'], [3, '.t.M']);
    const set = setOf(fileOf([messageOf('M', [fieldOf('name', 1, 'string')])], [6, rawMessage([1, 'S'], [2, call])]));
    const configMap = (bytes: Buffer): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: api }\nbinaryData: { a.pb: ${bytes.toString('base64')} }`;
    const policy = (rules: string, key = 'a.pb'): string =>
      `apiVersion: gateway.weir.dev/v1alpha1\nkind: HTTPPolicy\nmetadata: { name: api }\nspec:\n  targetRefs: [{ kind: HTTPRoute, name: a }]\n  grpcMessages: { descriptors: { configMapRef: { name: api }, key: ${key} }, ${rules} }`;
    const told = async (...documents: readonly string[]): Promise<string[]> =>
      (await findings(route('a', TO_BACKEND), ...documents)).map(({ object, field, reason }) => `${object} ${field} ${reason}`);
    expect(await told(policy('requests: [{ methods: [t.S/Get, t.S], mask: [name] }]'), configMap(set))).toEqual([]);
    const rules = 'requests: [{ methods: [t.S/Gett] }, { mask: [nam] }], answers: [{ remove: [name.other] }]';
    const at = 'HTTPPolicy/default/api spec.grpcMessages.';
    expect(await told(policy(rules), configMap(set))).toEqual([
      `${at}requests[0].methods[0] InvalidDocument: is not in the descriptors; did you mean t.S/Get?`,
      expect.stringContaining(`${at}requests[1].mask[0] InvalidDocument: nam is not in the descriptors: t.M has no field "nam"`),
      `${at}answers[0].remove[0] InvalidDocument: name.other goes on behind name, which is no message`,
    ]);
    expect(await told(policy('requests: [{ when: "body.(", refuse: {} }]'), configMap(set))).toEqual([
      expect.stringContaining(`${at}requests[0].when `),
    ]);
    expect(await told(policy('requests: [{ mask: [name] }]', 'b.pb'), configMap(set))).toEqual([expect.stringContaining('b.pb')]);
    expect(await told(policy('requests: [{ mask: [name] }]'), configMap(Buffer.from('no set')))).toEqual([
      expect.stringContaining(`${at}descriptors InvalidDocument: entry a.pb of ConfigMap/default/api: `),
    ]);
  });

  test('about an OpenAPI document: paths that no route reaches, and rules that it does not cover', async () => {
    const ref = 'documentRef: { kind: ConfigMap, name: api, key: a.yaml }';
    const document = (paths: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: api }\ndata:\n  a.yaml: |\n    openapi: 3.1.0\n    paths:\n${paths}`;
    const policy = `apiVersion: gateway.weir.dev/v1alpha1\nkind: HTTPPolicy\nmetadata: { name: api }\nspec:\n  targetRefs: [{ kind: HTTPRoute, name: a }]\n  openapi: { ${ref} }`;
    const rule = `{ matches: [{ path: { value: /a }, method: GET }], ${TO_BACKEND} }\n    - { matches: [{ path: { type: Exact, value: /b/1 } }], ${TO_BACKEND} }`;
    const found = await findings(route('a', rule), policy, document('      /a/{x}: { get: {}, post: {} }\n      /c: { get: {} }'));
    expect(found.map(({ line, object, field, reason }) => `${line} ${object} ${field} ${reason}`)).toEqual([
      expect.stringMatching(
        /^\d+ HTTPRoute\/default\/a spec\.rules\[1\] entry a\.yaml of ConfigMap\/default\/api has no path for the rule, so HTTPPolicy\/default\/api refuses all its requests$/,
      ),
      expect.stringMatching(
        /^\d+ HTTPPolicy\/default\/api spec\.openapi\.documentRef no route of the policy reaches POST \/a\/\{x\}, line 3 of entry a\.yaml/,
      ),
      expect.stringMatching(
        /^\d+ HTTPPolicy\/default\/api spec\.openapi\.documentRef no route of the policy reaches GET \/c, line 4 of entry a\.yaml/,
      ),
    ]);
    const broken = await findings(route('a', rule), policy, document('      a: {}'));
    expect(broken.map(({ field, reason }) => `${field} ${reason}`)).toEqual([
      'spec.openapi.documentRef InvalidDocument: entry a.yaml of ConfigMap/default/api: line 3 (/paths/a) must begin with /',
    ]);
    expect(await findings(route('a', rule), policy, document('      /a: { get: {} }\n      /b/{x}: { get: {} }'))).toEqual([]);
  });

  test('schema: file, line, object, field, reason', async () => {
    const [finding, ...rest] = await findings(route('bad', 'timeouts: { request: soon }'));
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: 'error',
      line: 24,
      object: 'HTTPRoute/default/bad',
      field: 'spec.rules[0].timeouts.request',
    });
  });

  test('of two TCPRoutes for one listener the younger never gets a connection', async () => {
    const tcp = GATEWAY[1]?.replace('{ name: gw }', '{ name: tcp }').replace('protocol: HTTP,', 'protocol: TCP,') ?? '';
    const [one, two] = ['one', 'two'].map((name) => route(name, TO_BACKEND, 'tcp').replace('HTTPRoute', 'TCPRoute'));
    expect(await findings(tcp, one ?? '', two ?? '')).toEqual([
      expect.objectContaining({
        severity: 'warning',
        object: 'TCPRoute/default/two',
        field: 'spec.rules[0]',
        reason: 'every connection on listener default/tcp/http never matches: TCPRoute/default/one/0 wins',
      }),
    ]);
  });

  test('of an HTTPRoute and a GRPCRoute for one host the younger is refused', async () => {
    const grpc = route('b', TO_BACKEND).replace('HTTPRoute', 'GRPCRoute');
    expect(await findings(route('a', TO_BACKEND), grpc)).toEqual([
      expect.objectContaining({
        severity: 'error',
        object: 'GRPCRoute/default/b',
        field: 'spec.parentRefs[0]',
        reason: expect.stringMatching(/^HostnameConflict: the older HTTPRoute\/default\/a has the same hosts on listener http/),
      }),
    ]);
  });

  test('none in a Gateway with dedicated proxies, which exist only in a cluster', async () => {
    const own =
      'apiVersion: gateway.weir.dev/v1alpha1\nkind: GatewayParameters\nmetadata: { name: own }\nspec: { fleet: PerGateway, replicas: 3 }';
    const ref = '{ parametersRef: { group: gateway.weir.dev, kind: GatewayParameters, name: own } }';
    const gateway = GATEWAY[1]?.replace('{ name: gw }', '{ name: alone }').replace('spec:', `spec:\n  infrastructure: ${ref}`) ?? '';
    expect(await findings(own, gateway)).toEqual([]);
  });

  test('references: a missing backend and a missing parent', async () => {
    const missing = await findings(route('lost', 'backendRefs: [{ name: nowhere, port: 80 }]'));
    expect(missing).toEqual([
      expect.objectContaining({
        severity: 'error',
        line: 24,
        object: 'HTTPRoute/default/lost',
        field: 'spec.rules[0].backendRefs[0]',
        reason: 'BackendNotFound: Service/default/nowhere does not exist',
      }),
    ]);
  });

  test('an expression that RE2 refuses', async () => {
    const [finding] = await findings(route('regex', `matches: [{ path: { type: RegularExpression, value: "/(a" } }]\n      ${TO_BACKEND}`));
    expect(finding).toMatchObject({ severity: 'error', object: 'HTTPRoute/default/regex' });
    expect(`${finding?.field} ${finding?.reason}`).toContain('rules[0]');
  });

  test('an expression that matches no path is a warning', async () => {
    const rule = `matches: [{ path: { type: RegularExpression, value: '/search\\?q=.*' } }]\n      ${TO_BACKEND}`;
    expect(await findings(route('search', rule))).toEqual([
      expect.objectContaining({
        severity: 'warning',
        object: 'HTTPRoute/default/search',
        field: 'spec.rules[0].matches[0].path.value',
        reason: 'holds "?", where a path ends: conditions on the query are queryParams',
      }),
    ]);
  });

  test('overlaps are warnings that name the winner', async () => {
    expect(await findings(route('a', TO_BACKEND), route('b', TO_BACKEND))).toEqual([
      {
        severity: 'warning',
        file: path.join(folder, 'all.yaml'),
        line: 32,
        object: 'HTTPRoute/default/b',
        field: 'spec.rules[0]',
        reason: 'PathPrefix / on listener default/gw/http never matches: HTTPRoute/default/a/0 wins',
      },
    ]);
  });
});

describe('weir validate', () => {
  test('ends with 0 without findings, and prints the counts', async () => {
    expect(await runWeir(['validate', file(route('good', TO_BACKEND))])).toEqual({
      code: 0,
      stdout: '5 objects, 0 errors, 0 warnings\n',
      stderr: '',
    });
  });

  test('ends with 1 on errors, one line each', async () => {
    const name = file(route('bad', 'timeouts: { request: soon }'));
    const { code, stdout } = await runWeir(['validate', name]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${name}:24: error: HTTPRoute/default/bad spec.rules[0].timeouts.request: `);
  });

  test('warnings end with 0, with 1 under --strict, and JSON is for pipelines', async () => {
    const name = file(route('a', TO_BACKEND), route('b', TO_BACKEND));
    expect((await runWeir(['validate', name])).code).toBe(0);
    const { code, stdout } = await runWeir(['validate', name, '--strict', '--format', 'json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ objects: 6, findings: [{ severity: 'warning' }] });
  });

  test('counts and skips documents for other programs; --strict-kinds refuses them', async () => {
    const deployment = (name: string) => `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: {}`;
    const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { selector: { app: a }, ports: [{ port: 80 }] }';
    const account = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: a }';
    const settings = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { mode: fast }';
    const name = file(route('good', TO_BACKEND), deployment('a'), deployment('b'), account, service, settings, 'replicaCount: 2');
    const { code, stdout } = await runWeir(['validate', name]);
    expect(stdout).toBe(
      'info: skipped 3 objects of kinds that Weir does not read: 2 Deployment, 1 ServiceAccount; and 1 document without a Kubernetes object\n7 objects, 0 errors, 0 warnings\n',
    );
    expect(code).toBe(0);
    const strict = await runWeir(['validate', name, '--strict-kinds']);
    expect(strict.stdout).toMatch(/error: Deployment\S* kind: apps\/v1 Deployment is not a kind that Weir reads\n/);
    expect(strict.stdout).toContain(' 5 errors, 0 warnings\n');
    expect(strict.code).toBe(1);
  });

  test('checks the kinds that Weir reads, and refuses a misspelt kind', async () => {
    const misspelt = route('a', TO_BACKEND).replace('HTTPRoute', 'HttpRoutes');
    const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { ports: [{ port: 80000 }] }';
    const { code, stdout } = await runWeir(['validate', file(misspelt, service)]);
    expect(stdout).toContain('HttpRoutes is not a kind that Weir reads; did you mean HTTPRoute?\n');
    expect(stdout).toContain('error: Service/default/a spec.ports[0].port: ');
    expect(code).toBe(1);
  });

  test.each([
    [['validate'], 'weir: weir validate takes files or folders\n'],
    [['validate', '/nowhere'], 'weir: /nowhere does not exist\n'],
    [['validate', '.', '--format', 'xml'], 'weir: --format: "xml" is none of text, json\n'],
    [['validate', '.', '--nope'], 'weir: unknown flag --nope\n'],
    [['validate', '.', '--stict'], 'weir: unknown flag --stict; did you mean --strict?\n'],
    [['vaildate'], 'weir: no command "vaildate"; did you mean validate? The commands are: '],
    [['nonsense'], 'weir: no command "nonsense"; the commands are: '],
  ])('%j is a usage error', async (args, message) => {
    const { code, stderr } = await runWeir(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
