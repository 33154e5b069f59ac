// `accessLog` of TelemetryPolicies decides which requests have lines, and what is in them.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { closeAfterAll } from '../support/fixture.ts';
import type { Manifest } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { manifest, SecurityRig } from '../security/rig.ts';

closeAfterAll();

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-log-policy-'));
const file = path.join(folder, 'access.log');
const ALWAYS = { enabled: true, filter: 'true', sampling: { percent: 100 } };
const GATEWAY = { kind: 'Gateway', name: 'gw' };
let rig: SecurityRig;

beforeAll(async () => {
  rig = await SecurityRig.start([], {}, { accessLog: file });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function policy(name: string, accessLog: object, target: object = { kind: 'HTTPRoute', name: 'app' }): Manifest {
  return manifest('TelemetryPolicy', name, { targetRefs: [target], accessLog });
}

/** The route `app`, with these matches. */
function app(matches?: readonly object[], name = 'app', hostnames?: readonly string[]): Manifest {
  const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
  return manifest('HTTPRoute', name, { parentRefs: [{ name: 'gw' }], hostnames, rules: [{ name: 'all', matches, backendRefs }] });
}

/** Sends requests with the policies in force, then one with a line in any case; the lines before its own. */
async function linesWith(policies: readonly Manifest[], requests: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  truncateSync(file);
  await rig.change(policies);
  for (const request of requests) await rig.ask(`${request}\r\n\r\n`);
  const last = [app(undefined, 'last', ['last.example']), policy('last', ALWAYS, { kind: 'HTTPRoute', name: 'last' })];
  await rig.change(last);
  await rig.ask('GET /last HTTP/1.1\r\nhost: last.example\r\n\r\n');
  await until(() => readFileSync(file, 'utf8').includes('/last'), 'the last line');
  await rig.change([], [...policies, ...last]);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line['path'] !== '/last');
}

const paths = (lines: readonly Record<string, unknown>[]): unknown[] => lines.map((line) => line['path']);
const get = (target: string, ...headers: string[]): string => [`GET ${target} HTTP/1.1`, 'host: a', ...headers].join('\r\n');

test('a policy of a Gateway turns the log off, also for requests without a route, and one of a route on again', async () => {
  const off = policy('off', { enabled: false }, GATEWAY);
  expect(paths(await linesWith([off], [get('/a')]))).toEqual([]);
  await rig.change([app([{ path: { value: '/app' } }])]);
  expect(paths(await linesWith([off, policy('on', { enabled: true })], [get('/app'), get('/unrouted')]))).toEqual(['/app']);
  await rig.change([app()]);
});

test('a filter reads the request, the answer and the outcome', async () => {
  const filter =
    'response.status == 200 && request.headers["x-team"] == "red" && outcome.attempts == 1 && outcome.error == "" && outcome.durationMs < 60000';
  const requests = [get('/red', 'x-team: red'), get('/blue', 'x-team: blue')];
  expect(paths(await linesWith([policy('red', { filter })], requests))).toEqual(['/red']);
});

test('a filter without a value for a request keeps its line', async () => {
  expect(paths(await linesWith([policy('red', { filter: 'request.headers["x-team"] == "red"' })], [get('/none')]))).toEqual(['/none']);
});

test('sampling leaves lines out, but none that are always written', async () => {
  const sampling = { percent: 0, always: 'request.path == "/kept"' };
  expect(paths(await linesWith([policy('sampled', { sampling })], [get('/lost'), get('/kept'), get('/lost')]))).toEqual(['/kept']);
});

test('fields are those that a client sent, before filters change them', async () => {
  const change = manifest('HTTPPolicy', 'change', {
    targetRefs: [{ kind: 'HTTPRoute', name: 'app' }],
    request: { headers: { set: [{ name: 'x-tenant', value: '"changed"' }] } },
  });
  const fields = policy('fields', { fields: ['path', 'requestHeader.x-tenant', 'responseHeader.x-frame-options'] });
  const lines = await linesWith([change, fields], [get('/tenant', 'x-tenant: acme')]);
  expect(lines).toEqual([{ path: '/tenant', 'requestHeader.x-tenant': 'acme', 'responseHeader.x-frame-options': 'BACKEND' }]);
});

test('the policy of a rule wins over that of its route, field by field', async () => {
  const rule = policy('rule', { filter: 'request.path != "/silent"' }, { kind: 'HTTPRoute', name: 'app', sectionName: 'all' });
  const lines = await linesWith([policy('route', { enabled: true, fields: ['path'], filter: 'false' }), rule], [get('/a'), get('/silent')]);
  expect(lines).toEqual([{ path: '/a' }]);
});

test('secrets are hidden by name, form and pattern, in all fields with texts of clients', async () => {
  const fields = ['path', 'query', 'requestHeader.x-vault-token', 'requestHeader.x-note', 'userAgent'];
  const redaction = { names: ['tenant'], patterns: ['emp-[0-9]+'], allow: ['Emails'] };
  const named = manifest('TelemetryPolicy', 'named', {
    targetRefs: [{ kind: 'HTTPRoute', name: 'app' }],
    accessLog: { fields },
    redaction,
  });
  const request = get(
    '/pay/4111-1111-1111-1111?tenant=acme&access_token=abc&page=2',
    'x-vault-token: hvs',
    'x-note: emp-77 a@b.example',
    'user-agent: x Bearer abc123456',
  );
  expect(await linesWith([named], [request])).toEqual([
    {
      path: '/pay/[redacted]',
      query: 'tenant=[redacted]&access_token=[redacted]&page=2',
      'requestHeader.x-vault-token': '[redacted]',
      'requestHeader.x-note': '[redacted] a@b.example',
      userAgent: 'x Bearer [redacted]',
    },
  ]);
});

test.each([
  [{ fields: ['statuss'] }, 'spec.accessLog.fields: "statuss" is not a field of the access log; did you mean status?'],
  [{ fields: ['requestHeader.cookie'] }, 'spec.accessLog.fields: requestHeader.cookie is refused'],
  [{ filter: 'outcome.eror == ""' }, 'spec.accessLog.filter: is not valid'],
  [{ filter: 'response.status' }, 'spec.accessLog.filter: must be true or false, and is of type int'],
])('%j is invalid, and has no effect', async (accessLog, message) => {
  const invalid = policy('invalid', { enabled: false, ...accessLog });
  await rig.change([invalid]);
  expect(rig.condition('invalid', 'Accepted', 'TelemetryPolicy')).toContain(message);
  expect(paths(await linesWith([invalid], [get('/kept')]))).toEqual(['/kept']);
});
