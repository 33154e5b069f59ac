// A revoked Consumer and what it has open: the policy says whether requests under way and WebSockets end.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { consumer, protectedRoute, secret, FolderSite } from '../support/folder-site.ts';

const HEADERS = { 'x-api-key': 'k-alice-0123456789' };

let site: FolderSite;

function alice(more: object): object {
  return consumer('alice', { ...more, credentials: [{ apiKey: { secretRef: { name: 'alice-key' }, key: 'key' } }] });
}

async function openWebSocket(route: string, headers: Readonly<Record<string, string>> = HEADERS): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${site.port}/${route}`, { headers });
  await once(socket, 'open');
  return socket;
}

/** Users with the password `secret`, as `htpasswd -s` writes them. */
function staffOf(...names: readonly string[]): string {
  return names.map((name) => `${name}:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=`).join('\n');
}

function basic(user: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${user}:secret`).toString('base64')}` };
}

beforeAll(async () => {
  const routes = ['Close', 'Keep'].flatMap((openRequests) =>
    protectedRoute(openRequests.toLowerCase(), { authentication: { apiKey: {} }, revocation: { openRequests } }),
  );
  const users = { users: { secretRef: { name: 'staff' }, key: 'htpasswd' } };
  const staff = protectedRoute('staff', { authentication: { basic: users }, revocation: { openRequests: 'Close' } });
  site = await FolderSite.open([...routes, ...staff, secret('alice-key', { key: 'k-alice-0123456789' })], {
    respond: ({ url }, response) => void (url === '/close/hang' ? site.backend.emit('hangs') : response.end('ok')),
  });
  const sockets = new WebSocketServer({ server: site.backend });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
});

afterAll(() => site.close());

describe.each([
  ['is disabled', { groups: ['customers'], disabled: true }],
  ['loses a group', { groups: [] }],
])('a consumer that %s', (_, change) => {
  test('loses its WebSockets and requests under way where the policy closes them, and keeps the others', async () => {
    site.write('alice', [alice({ groups: ['customers'] })]);
    while ((await site.status('/close', HEADERS)) !== 200);
    const [closing, kept] = [await openWebSocket('close'), await openWebSocket('keep')];
    const closed = once(closing, 'close');
    const hanging = site.status('/close/hang', HEADERS);
    await once(site.backend, 'hangs');
    site.write('alice', [alice(change)]);
    expect((await closed)[0]).toBe(1008);
    expect(await hanging).toBe(401);
    kept.send('still here');
    expect(String((await once(kept, 'message'))[0])).toBe('still here');
    kept.close();
  });
});

test('a user who is removed from a list loses its WebSockets, others keep theirs', async () => {
  site.write('staff', [secret('staff', { htpasswd: staffOf('bob', 'eve') })]);
  while ((await site.status('/staff', basic('eve'))) !== 200);
  const [closing, kept] = [await openWebSocket('staff', basic('eve')), await openWebSocket('staff', basic('bob'))];
  const closed = once(closing, 'close');
  site.write('staff', [secret('staff', { htpasswd: staffOf('bob') })]);
  expect((await closed)[0]).toBe(1008);
  kept.send('still here');
  expect(String((await once(kept, 'message'))[0])).toBe('still here');
  kept.close();
});

/** A policy of its own for `/rules`, with these groups allowed. */
function rules(...groups: readonly string[]): readonly object[] {
  return protectedRoute('rules', {
    authentication: { apiKey: {} },
    authorization: { defaultAction: 'Deny', rules: [{ name: 'own', action: 'Allow', principal: { groups } }] },
    revocation: { openRequests: 'Close' },
  });
}

test('a change of the rules of authorization ends what the former ones let through, an edit of another object does not', async () => {
  site.write('alice', [alice({ groups: ['customers'] })]);
  site.write('rules', rules('customers'));
  while ((await site.status('/rules', HEADERS)) !== 200);
  const socket = await openWebSocket('rules');
  const closed = once(socket, 'close');
  site.write('other', protectedRoute('other', { authentication: { apiKey: {} } }));
  while ((await site.status('/other')) !== 401);
  socket.send('still here');
  expect(String((await once(socket, 'message'))[0])).toBe('still here');
  site.write('rules', rules('staff'));
  expect((await closed)[0]).toBe(1008);
  expect(await site.status('/rules', HEADERS)).toBe(403);
  await site.printed(/"credential_revoked","reason":"the rules of authorization have changed"/);
});

test('an API key that is replaced in its Secret ends what it has open', async () => {
  const carol = (key: string): readonly object[] => [
    secret('carol-key', { key }),
    consumer('carol', { credentials: [{ apiKey: { secretRef: { name: 'carol-key' }, key: 'key' } }] }),
  ];
  const former = { 'x-api-key': 'k-carol-0123456789' };
  site.write('carol', carol('k-carol-0123456789'));
  while ((await site.status('/close', former)) !== 200);
  const closed = once(await openWebSocket('close', former), 'close');
  site.write('carol', carol('k-carol-9876543210'));
  expect((await closed)[0]).toBe(1008);
  expect(await site.status('/close', former)).toBe(401);
});
