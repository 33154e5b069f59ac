// Credentials of the proxy for backends as the backend sees them: `weir up` with a folder.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FolderSite, protectedRoute, secret } from '../support/folder-site.ts';

function partner(token: string): object {
  return secret('partner', { token: `${token}\n`, pair: 'weir:p4ss', key: 'k&y=1' });
}

function policy(name = 'partner'): readonly object[] {
  const from = (key: string): object => ({ secretRef: { name }, key });
  return protectedRoute('app', {
    credentialInjection: [
      { bearer: from('token') },
      { header: { name: 'X-Pair', value: from('pair') } },
      { query: { name: 'key', value: from('key') } },
    ],
  });
}

let site: FolderSite;

beforeAll(async () => {
  site = await FolderSite.open([
    ...protectedRoute('basic', { credentialInjection: [{ basic: { secretRef: { name: 'partner' }, key: 'pair' } }] }),
  ]);
  site.write('secret', [partner('t-first-0123')]);
  site.write('policy', policy());
  while ((await site.status('/app')) !== 200);
});
afterAll(() => site.close());

test('the backend gets the credentials of the policy in place of those of the client', async () => {
  const headers = ['Host', 'a', 'Authorization', 'Bearer client', 'authorization', 'Basic abc', 'x-pair', 'client', 'X-Pair', 'client'];
  expect((await site.get('/app?a=1&key=client&k%65y=client', headers)).statusCode).toBe(200);
  expect(site.seen.url).toBe('/app?a=1&key=k%26y%3D1');
  expect(site.seen.headers).toMatchObject({ authorization: 'Bearer t-first-0123', 'x-pair': 'weir:p4ss' });
  expect(JSON.stringify(site.seen)).not.toContain('client');
});

test('a user and a password become a credential of Basic', async () => {
  while ((await site.status('/basic', { authorization: 'Bearer client' })) !== 200);
  expect(site.seen.headers.authorization).toBe(`Basic ${Buffer.from('weir:p4ss').toString('base64')}`);
});

test('a rotation applies without a change of the policy', async () => {
  site.write('secret', [partner('t-second-0123')]);
  do await site.status('/app');
  while (site.seen.headers.authorization !== 'Bearer t-second-0123');
});

test('without its Secret the policy lets nothing through', async () => {
  site.write('policy', policy('missing'));
  while ((await site.status('/app')) !== 500);
  const before = site.seen;
  expect(await site.status('/app', { authorization: 'Bearer client' })).toBe(500);
  expect(site.seen).toBe(before);
  await site.printed(/"event":"policy_unresolved".*"policy":"SecurityPolicy\/default\/app"/);
  site.write('policy', policy());
  while ((await site.status('/app')) !== 200);
});

test('a value with control characters is refused', async () => {
  site.write('secret', [partner('t\tx')]);
  while ((await site.status('/app')) !== 500);
});

test('no credential is in the output of Weir', () => {
  expect(site.output).not.toMatch(/t-first|t-second|p4ss|k%26y|k&y/);
});
