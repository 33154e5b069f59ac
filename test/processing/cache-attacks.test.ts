// Attacks on the cache: answers for one caller that reach others, and answers that an attacker makes for others.
import { expect, test } from '@jest/globals';
import { closeAfterEach, closeLater, get } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { header } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { SecurityRig as PolicyRig, manifest } from '../security/rig.ts';

closeAfterEach();

const HOST = /Host: (.*)\r/.exec(get('/'))?.[1] ?? '';

/** A proxy whose backend repeats a header of the request in its answer. */
async function start(echoed = 'x-none', headers = 'cache-control: max-age=60\r\n'): Promise<PolicyRig> {
  const rig = await PolicyRig.start([
    manifest('HTTPPolicy', 'web', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], cache: { store: 'Memory' } }),
  ]);
  const value = new RegExp(`^${echoed}: (.*)\r$`, 'im');
  rig.upstream.become(({ raw }) => ok(`page ${value.exec(raw)?.[1] ?? 'plain'}`, headers));
  return rig;
}

test.each([
  ...[
    '/account/x.css',
    '/account%2fx.css',
    '/account;x.css',
    '/account/..%2fstatic/x.css',
    '/account?.css',
    '/account%0a.css',
    '/account/x.js',
  ],
])('the page of a caller under the name %s reaches no other one (web cache deception)', async (path) => {
  const rig = await start('cookie');
  const own = await rig.ask(get(path, 'Cookie: session=alice\r\n'));
  const other = await rig.ask(get(path));
  expect([own.body.includes('alice'), other.body.includes('alice')]).toEqual([
    own.body !== '' && !own.raw.startsWith('HTTP/1.1 400'),
    false,
  ]);
});

test.each([
  ...['x-forwarded-host', 'x-host', 'x-original-url', 'x-rewrite-url', 'x-forwarded-prefix', 'x-forwarded-scheme', 'x-forwarded-server'],
  ...['x-http-method-override', 'x-original-host', 'x-forwarded-path', 'forwarded', 'front-end-https'],
])('a header %s over HTTP/2 makes no answer for others (cache poisoning)', async (name) => {
  const rig = await start(name);
  const session = openSession(rig.proxy.port);
  closeLater(() => session.destroy());
  await request(session, { ':path': '/a', ':authority': HOST, [name]: 'evil.example' });
  expect((await rig.ask(get('/a'))).body).not.toContain('evil');
});

test('a header of the request that the answer names in Vary makes an answer for its senders only', async () => {
  const rig = await start('x-theme', 'cache-control: max-age=60\r\nvary: x-theme\r\n');
  await rig.ask(get('/a', 'X-Theme: evil\r\n'));
  expect((await rig.ask(get('/a'))).body).toBe('page plain');
});

test('a host of HTTP/2 beside :authority, and a port of the host, make no answer for others', async () => {
  const rig = await start('host');
  await rig.ask(get('/a').replace(HOST, `${HOST}:1234`));
  const answer = await rig.ask(get('/a'));
  expect([answer.body.includes('1234'), header(answer, 'cache-status')]).toEqual([false, 'weir; fwd=uri-miss; stored']);
});
