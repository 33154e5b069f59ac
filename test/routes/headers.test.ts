// What a route says of the headers that codecs keep to themselves, from the objects that a user writes, over both protocols.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, get, openClient, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import type { Serve } from '../support/h2-upstream.ts';
import { header, status } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { openRoutes } from './routes.ts';

closeAfterEach();

/** Says which host it was asked for. */
const host: Serve = (stream, headers) => {
  stream.respond({ ':status': 200 });
  stream.end(headers[':authority']);
};

const setHost = { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'HOST', value: 'app.internal' }] } };

describe('set Host', () => {
  const places = [
    ['rule', { filters: [setHost] }],
    ['backend', { backendFilters: [setHost] }],
  ] as const;
  test.each(places)('of a %s reaches backends of both protocols, from clients of both', async (_, fields) => {
    const upstream = await openUpstream((message) => ok(header(message, 'host')));
    const h2 = await openH2Backend(host);
    const proxy = await openRoutes([
      { ...fields, path: '/1', port: upstream.port },
      { ...fields, path: '/2', port: h2.port, protocol: 'http2' },
    ]);
    const [client, session] = [await openClient(proxy.port), openSession(proxy.port)];
    for (const path of ['/1', '/2']) {
      expect((await client.ask(get(path))).body).toBe('app.internal');
      expect((await request(session, { ':path': path })).body.toString()).toBe('app.internal');
    }
  });
});

test('a filter that names a framing header makes its rule unservable, and leaves the others alone', async () => {
  const upstream = await openUpstream();
  const filters = [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['Transfer-Encoding'] } }];
  const proxy = await openRoutes([
    { path: '/bad', port: upstream.port, filters },
    { path: '/good', port: upstream.port },
  ]);
  const client = await openClient(proxy.port);
  expect([status(await client.ask(get('/bad'))), status(await client.ask(get('/good')))]).toEqual([500, 200]);
});
