// Attacks, and the blocks that follow: `weir up` with a folder, and clients at different loopback addresses.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { ended, FolderSite, protectedRoute, secret } from '../support/folder-site.ts';

let site: FolderSite;

/** `secret` as SHA, as `htpasswd -s` writes it. */
const USERS = ['bob', 'eve'].map((name) => `${name}:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=`).join('\n');
const BASIC = { basic: { users: { secretRef: { name: 'staff' }, key: 'htpasswd' } } };

const respond: http.RequestListener = ({ url = '' }, response) => {
  response.statusCode = url.includes('missing') ? 404 : 200;
  response.end();
};

beforeAll(async () => {
  site = await FolderSite.open(
    [
      secret('staff', { htpasswd: USERS }),
      ...protectedRoute('guess', { authentication: BASIC, threats: { authenticationFailures: 5 } }),
      ...protectedRoute('stuff', { authentication: BASIC, threats: { userNames: 3 } }),
      ...protectedRoute('scan', { threats: { missingPaths: 4 } }),
      ...protectedRoute('log', { threats: { missingPaths: 2, action: 'Log' } }),
      ...protectedRoute('exempt', { threats: { missingPaths: 2, exempt: { addresses: ['127.0.7.0/24'] } } }),
      ...protectedRoute('short', { threats: { missingPaths: 1, block: '1ms' } }),
      ...protectedRoute('caller', { authentication: BASIC, threats: { missingPaths: 4, exempt: { addresses: ['127.0.8.0/24'] } } }),
      ...protectedRoute('refused', {
        authentication: BASIC,
        authorization: {
          defaultAction: 'Deny',
          rules: [{ name: 'own', action: 'Allow', operation: { paths: [{ value: '/refused/own' }] } }],
        },
        threats: { accessDenials: 6 },
      }),
      ...protectedRoute('garbage', { threats: { malformedRequests: 3 } }),
      ...protectedRoute('open', {}),
    ],
    { respond },
  );
});

afterAll(() => site.close());

function basic(pair: string): http.OutgoingHttpHeaders {
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function from(localAddress: string, path: string, headers: http.OutgoingHttpHeaders = {}): Promise<number | undefined> {
  return (await ended(http.get({ host: '127.0.0.1', port: site.port, localAddress, path, headers, agent: false }))).statusCode;
}

test('a source that guesses a password is blocked, with the right one too; others are not', async () => {
  for (let i = 0; i < 5; i++) expect(await from('127.0.0.2', '/guess', basic(`bob:${i}`))).toBe(401);
  expect(await from('127.0.0.2', '/guess', basic('bob:secret'))).toBe(403);
  expect(await from('127.0.0.3', '/guess', basic('bob:secret'))).toBe(200);
});

test('a block holds at the targets of the policy only', async () => {
  expect(await from('127.0.0.2', '/open')).toBe(200);
});

test('requests without credentials are no guesses', async () => {
  for (let i = 0; i < 20; i++) expect(await from('127.0.0.4', '/guess')).toBe(401);
  expect(await from('127.0.0.4', '/guess', basic('bob:secret'))).toBe(200);
});

test('a source that tries several users is blocked sooner than one that mistypes', async () => {
  for (let i = 0; i < 10; i++) expect(await from('127.0.0.5', '/stuff', basic(`bob:${i}`))).toBe(401);
  for (let i = 0; i < 3; i++) expect(await from('127.0.0.6', '/stuff', basic(`user${i}:x`))).toBe(401);
  expect(await from('127.0.0.6', '/stuff', basic('bob:secret'))).toBe(403);
  expect(await from('127.0.0.5', '/stuff', basic('bob:secret'))).toBe(200);
});

test('a scan of paths is blocked, a broken link is not', async () => {
  for (let i = 0; i < 20; i++) expect(await from('127.0.0.8', '/scan/missing')).toBe(404);
  for (let i = 0; i < 4; i++) expect(await from('127.0.0.9', `/scan/missing/${i}`)).toBe(404);
  expect(await from('127.0.0.9', '/scan')).toBe(403);
  expect(await from('127.0.0.8', '/scan')).toBe(200);
});

test('a block has one event, with its source and end, and blocked requests have none', async () => {
  await site.printed(/"source_blocked".*"source":"127\.0\.0\.9"/);
  const events = site.output.split('\n').filter((line) => line.includes('"source_blocked"') && line.includes('127.0.0.9'));
  expect(events.map((line) => JSON.parse(line) as object)).toMatchObject([
    { reason: 'missingPaths', policy: 'SecurityPolicy/default/scan', source: '127.0.0.9', until: expect.stringMatching(/Z$/) },
  ]);
});

test('a source is only logged with Log', async () => {
  for (let i = 0; i < 5; i++) expect(await from('127.0.0.10', `/log/missing/${i}`)).toBe(404);
  await site.printed(/"threat_suspected","reason":"missingPaths".*"127\.0\.0\.10"/);
});

test('exempt addresses are never blocked', async () => {
  for (let i = 0; i < 5; i++) expect(await from('127.0.7.1', `/exempt/missing/${i}`)).toBe(404);
});

test('a block ends by itself', async () => {
  expect(await from('127.0.0.11', '/short/missing')).toBe(404);
  while ((await from('127.0.0.11', '/short')) !== 200);
});

test('a caller that scans from many sources is blocked everywhere, others are not', async () => {
  for (let i = 0; i < 4; i++) expect(await from(`127.0.0.${20 + i}`, `/caller/missing/${i}`, basic('bob:secret'))).toBe(404);
  expect(await from('127.0.0.30', '/caller', basic('bob:secret'))).toBe(403);
  expect(await from('127.0.0.30', '/caller', basic('eve:secret'))).toBe(200);
  await site.printed(/"source_blocked","reason":"missingPaths".*"source":"principal:bob"/);
});

test('wrong passwords block the source, never the user', async () => {
  for (let i = 0; i < 5; i++) expect(await from('127.0.0.40', '/guess', basic(`eve:${i}`))).toBe(401);
  expect(await from('127.0.0.40', '/guess', basic('eve:secret'))).toBe(403);
  expect(await from('127.0.0.41', '/guess', basic('eve:secret'))).toBe(200);
});

test('a burst of refusals blocks the source and the caller', async () => {
  const headers = basic('eve:secret');
  for (let i = 0; i < 6; i++) expect(await from('127.0.0.42', `/refused/${i}`, headers)).toBe(403);
  for (const source of ['127.0.0.42', '127.0.0.43']) expect(await from(source, '/refused/own', headers)).toBe(403);
  expect(await from('127.0.0.43', '/refused/own', basic('bob:secret'))).toBe(200);
  await site.printed(/"source_blocked","reason":"accessDenials".*"source":"127\.0\.0\.42"/);
});

test('malformed requests block their source at the targets of the policy', async () => {
  for (let i = 0; i < 3; i++)
    expect(await raw('127.0.0.44', `GET /garbage HTTP/1.1\r\nhost: a\r\nbad name: ${i}\r\n\r\n`)).toMatch(/^HTTP\/1.1 400/);
  expect(await from('127.0.0.44', '/garbage')).toBe(403);
  expect(await from('127.0.0.44', '/open')).toBe(200);
  expect(await from('127.0.0.45', '/garbage')).toBe(200);
  await site.printed(/"source_blocked","reason":"malformedRequests".*"source":"127\.0\.0\.44"/);
});

/** The answer to these bytes. */
async function raw(localAddress: string, bytes: string): Promise<string> {
  const socket = net.connect({ host: '127.0.0.1', port: site.port, localAddress });
  socket.end(bytes);
  return text(socket);
}
