// Headers that an intermediary adds, for every combination of versions: Via to requests and answers, Date to answers without one.
import { describe, expect, test } from '@jest/globals';
import type { IncomingHttpHeaders } from 'node:http2';
import { closeAfterEach, closeLater, get, openClient, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import { header } from '../support/message.ts';
import { cluster, listener, route, startProxy } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';

closeAfterEach();

/** The fields of this test in a message. */
interface Seen {
  readonly via: string | undefined;
  readonly date: string | undefined;
}

interface Backend {
  readonly port: number;
  /** The headers of its last request. */
  request(): Seen;
}

const DATE = /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/;
const OLD = 'Thu, 01 Jan 1970 00:00:00 GMT';

/** Backends that answer with these headers, by their version. */
const BACKENDS: Readonly<Record<string, (headers: Readonly<Record<string, string>>) => Promise<Backend>>> = {
  '1.0': (headers) => openH1('1.0', headers),
  '1.1': (headers) => openH1('1.1', headers),
  '2.0': async (headers) => {
    let last: IncomingHttpHeaders = {};
    const { port } = await openH2Backend((stream, asked) => {
      last = asked;
      stream.respond({ ':status': 200, ...headers }, { endStream: true, sendDate: false } as object);
    });
    return { port, request: () => ({ via: last['via'], date: last['date'] }) };
  },
};

async function openH1(version: string, headers: Readonly<Record<string, string>>): Promise<Backend> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const upstream = await openUpstream(`HTTP/${version} 200 OK\r\ncontent-length: 0\r\n${lines.join('')}\r\n`);
  return { port: upstream.port, request: () => seenIn(upstream.requests.at(-1)!.headers) };
}

function seenIn(headers: readonly (readonly [string, string])[]): Seen {
  const all = (name: string): string | undefined => {
    const values = headers.filter(([key]) => key === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(' + ');
  };
  return { via: all('via'), date: all('date') };
}

/** Clients that send this Via, or none, by version. */
const CLIENTS: Readonly<Record<string, (port: number, via?: string) => Promise<Seen>>> = {
  '1.1': async (port, via) => {
    const answer = await (await openClient(port)).ask(get('/', via === undefined ? '' : `Via: ${via}\r\n`));
    return seenIn(answer.headers);
  },
  '2.0': async (port, via) => {
    const { headers } = await request(openSession(port), via === undefined ? {} : { via });
    return { via: headers['via'], date: headers['date'] };
  },
};

async function open(backend: Backend, version: string, via: string): Promise<Proxy> {
  const protocol = version === '2.0' ? 'http2' : 'http1';
  const proxy = await startProxy([listener(), ...cluster('app', [backend.port], protocol), route()], {}, 'off', { via });
  closeLater(() => proxy.close());
  return proxy;
}

describe.each(Object.keys(BACKENDS))('a backend of HTTP/%s', (backendVersion) => {
  describe.each(Object.keys(CLIENTS))('a client of HTTP/%s', (clientVersion) => {
    test('messages without Via and Date get both', async () => {
      const backend = await BACKENDS[backendVersion]!({});
      const proxy = await open(backend, backendVersion, 'edge');
      const answer = await CLIENTS[clientVersion]!(proxy.port);
      expect(answer).toEqual({ via: `${backendVersion} edge`, date: expect.stringMatching(DATE) });
      expect(backend.request()).toEqual({ via: `${clientVersion} edge`, date: undefined });
    });

    test('a Via is extended, and a Date is kept', async () => {
      const backend = await BACKENDS[backendVersion]!({ via: '1.0 cache', date: OLD });
      const proxy = await open(backend, backendVersion, 'edge');
      const answer = await CLIENTS[clientVersion]!(proxy.port, '1.1 cdn (x)');
      expect(answer).toEqual({ via: `1.0 cache, ${backendVersion} edge`, date: OLD });
      expect(backend.request()).toEqual({ via: `1.1 cdn (x), ${clientVersion} edge`, date: undefined });
    });

    test('without a pseudonym there is no Via', async () => {
      const backend = await BACKENDS[backendVersion]!({ via: '1.0 cache' });
      const proxy = await open(backend, backendVersion, '');
      const answer = await CLIENTS[clientVersion]!(proxy.port);
      expect(answer).toEqual({ via: '1.0 cache', date: expect.stringMatching(DATE) });
      expect(backend.request()).toEqual({ via: undefined, date: undefined });
    });
  });
});

test('filters of a route override Via and Date', async () => {
  const backend = await BACKENDS['1.1']!({});
  const off = { set: [], add: [], remove: ['via', 'date'] };
  const proxy = await startProxy(
    [
      ...[listener(), ...cluster('app', [backend.port])],
      route({
        filters: [
          { type: 'RequestHeaderModifier', headers: off },
          { type: 'ResponseHeaderModifier', headers: off },
        ],
      }),
    ],
    {},
    'off',
    { via: 'edge' },
  );
  closeLater(() => proxy.close());
  expect(await CLIENTS['1.1']!(proxy.port)).toEqual({ via: undefined, date: undefined });
  expect(backend.request()).toEqual({ via: undefined, date: undefined });
});

test('an answer of the proxy itself has a Date, and no Via', async () => {
  const proxy = await startProxy([listener(), ...cluster('app', []), route()], {}, 'off', { via: 'edge' });
  closeLater(() => proxy.close());
  const answer = await (await openClient(proxy.port)).ask(get());
  expect([header(answer, 'via'), header(answer, 'date')]).toEqual([undefined, expect.stringMatching(DATE)]);
});
