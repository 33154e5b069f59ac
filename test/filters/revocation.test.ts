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
