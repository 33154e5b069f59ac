// Authentication and headers to backends as clients and backends see them: `weir up` with a folder.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type http from 'node:http';
import { consumer, protectedRoute, secret, FolderSite } from '../support/folder-site.ts';

const KEY = { 'x-api-key': 'k-alice-0123456789' };
const USERS = 'bob:$2b$10$PS94oWTG59qNs2r6gBB25uU/APgQwXh.gDKD21y2ShlcmU.sHoQx6';

const POLICY = {
  authentication: {
    anyOf: [
      { apiKey: { from: [{ header: 'x-api-key' }, { query: 'key' }, { cookie: 'key' }, { header: 'authorization', prefix: 'Bearer' }] } },
      { basic: { users: { secretRef: { name: 'staff' }, key: 'htpasswd' }, realm: 'Staff "only"' } },
    ],
  },
  headersToBackend: [
    { name: 'x-consumer', value: 'principal.id' },
    { name: 'x-plan', value: 'principal.plan' },
    { name: 'x-team', value: 'principal.claims.team' },
  ],
};

let site: FolderSite;

function basic(pair: string): http.OutgoingHttpHeaders {
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function alice(): object {
  const credentials = [{ apiKey: { secretRef: { name: 'alice-key' }, key: 'key' } }];
  return consumer('alice', { groups: ['customers'], plan: 'gold', credentials });
}

/** A policy of the Gateway that denies a range. */
function deny(range: string): object {
  const spec = { targetRefs: [{ kind: 'Gateway', name: 'gw' }], ipAccess: { deny: [range] } };
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'SecurityPolicy', metadata: { name: 'all' }, spec };
}

beforeAll(async () => {
  const secrets = [secret('alice-key', { key: 'k-alice-0123456789' }), secret('staff', { htpasswd: USERS })];
  site = await FolderSite.open([...protectedRoute('app', POLICY), ...secrets, alice()]);
});

afterAll(() => site.close());

test('a request without credentials gets 401 and every challenge', async () => {
  const { statusCode, rawHeaders } = await site.get('/app');
  const challenges = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'www-authenticate');
  expect([statusCode, challenges]).toEqual([401, ['ApiKey', 'Basic realm="Staff \\"only\\"", charset="UTF-8"']]);
});

describe('an API key is accepted, and removed,', () => {
  test.each([
    ['in a header', KEY, '/app'],
    ['in the query', {}, '/app?a=1&key=k-alice-0123456789&b=2'],
    ['in the query, with an escaped name', {}, '/app?a=1&k%65y=k-alice-0123456789&b=2'],
    ['in a cookie', { cookie: 'a=1; key=k-alice-0123456789; b=2' }, '/app'],
    ['in a header with a prefix', { authorization: 'bearer k-alice-0123456789' }, '/app'],
  ])('%s', async (_, headers, url) => {
    expect(await site.status(url, headers)).toBe(200);
    expect(site.seen.headers).toMatchObject({ 'x-consumer': 'alice', 'x-plan': 'gold' });
    expect(site.seen.headers).not.toHaveProperty('x-team');
    expect(JSON.stringify(site.seen)).not.toContain('k-alice');
    expect(site.seen.url).toBe(url === '/app' ? '/app' : '/app?a=1&b=2');
  });
});

describe('credentials are refused with 401:', () => {
  test.each([
    ['a part of a key', { 'x-api-key': 'k-alice-012345678' }],
    ['a longer key', { 'x-api-key': 'k-alice-01234567890' }],
    ['a key and another in one header', { 'x-api-key': 'k-alice-0123456789, k-bob' }],
    ['a key in the wrong case', { 'x-api-key': 'K-ALICE-0123456789' }],
    ['a huge key', { 'x-api-key': 'k'.repeat(4_000) }],
    ['a wrong password', basic('bob:wrong')],
    ['an unknown user', basic('eve:secret')],
    ['an empty password', basic('bob:')],
    ['no user', basic(':secret')],
    ['no colon', basic('bob')],
    ['other bytes than UTF-8', { authorization: 'Basic Ym9iOv//' }],
    ['no base64', { authorization: 'Basic bob:secret' }],
    ['another scheme', { authorization: 'Negotiate YWJj' }],
  ])('%s', async (_, headers) => {
    expect(await site.status('/app', headers)).toBe(401);
  });
});

test('a wrong key does not keep a right password from being accepted', async () => {
  expect(await site.status('/app', { 'x-api-key': 'wrong', ...basic('bob:secret') })).toBe(200);
  expect(site.seen.headers).toMatchObject({ 'x-consumer': 'bob' });
  expect(site.seen.headers).not.toHaveProperty('x-api-key');
  expect(site.seen.headers).not.toHaveProperty('authorization');
});

test('an identity that a client claims never reaches the backend, in no spelling', async () => {
  const claims = ['X-Consumer', 'admin', 'X_Consumer', 'admin', 'x-plan', 'free', 'x_plan', 'free', 'x-team', 'admins', 'X_TEAM', 'admins'];
  expect((await site.get('/app', ['Host', 'a', ...Object.entries(KEY).flat(), ...claims])).statusCode).toBe(200);
  expect(site.seen.headers).toMatchObject({ 'x-consumer': 'alice', 'x-plan': 'gold' });
  expect(JSON.stringify(site.seen.headers)).not.toMatch(/admin|free/);
});

test('an invalid policy of the Gateway refuses the requests until it is mended', async () => {
  site.write('deny', [deny('999.0.0.0/8')]);
  while ((await site.status('/app', KEY)) !== 500);
  site.write('deny', [deny('192.0.2.0/24')]);
  while ((await site.status('/app', KEY)) !== 200);
});

test('the security log has a line for each refused credential, without any part of one', async () => {
  expect(await site.status('/app?key=k-mallory-0123456789')).toBe(401);
  await site.printed(/"event":"authentication_failed".*no consumer has this API key/);
  const lines = site.output.split('\n').filter((line) => line.includes('"event":"authentication_'));
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ log: 'security', policy: expect.stringContaining('SecurityPolicy/default/') });
  expect(site.output).not.toMatch(/mallory|k-alice|bob:/);
});
