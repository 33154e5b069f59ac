// Answers with the length of a body that they omit, to HEAD and with 304: the client gets the length that the backend sent, for every
// combination of versions, with and without filters.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { END_HEADERS, END_STREAM, frame, FrameClient, GET, literals, TYPE } from '../support/h2-client.ts';
import { FrameServer, head } from '../support/h2-upstream.ts';
import { header, status } from '../support/message.ts';
import { cluster, listener, route } from '../support/proxy.ts';

closeAfterEach();

interface Told {
  readonly status: number;
  readonly length: string | undefined;
}

type Ask = (port: number, method: string) => Promise<Told>;
type Open = (answer: Told) => Promise<{ readonly port: number; serve(): Promise<void> }>;

const CLIENTS: readonly (readonly [string, Ask])[] = [
  [
    'HTTP/1.1',
    async (port, method) => {
      const client = await openClient(port);
      const answer = await client.ask(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`, true);
      expect(header(answer, 'transfer-encoding')).toBeUndefined();
      expect(header(answer, 'x')).toBe('y');
      // The next answer must arrive on the same connection.
      expect(client.received).toBe('');
      return { status: status(answer), length: header(answer, 'content-length') };
    },
  ],
  [
    'HTTP/2',
    async (port, method) => {
      const client = await FrameClient.connect(port);
      client.write(frame(TYPE.headers, END_STREAM | END_HEADERS, 1, literals([':method', method], ...GET.slice(1))));
      await client.answered(1);
      await client.sync();
      expect(client.of(TYPE.reset)).toEqual([]);
      expect(client.of(TYPE.data, 1).filter(({ payload }) => payload.length > 0)).toEqual([]);
      const { fields } = client.of(TYPE.headers, 1)[0]!;
      expect(fields[fields.indexOf('x') + 1]).toBe('y');
      const at = fields.indexOf('content-length');
      return { status: Number(fields[1]), length: at < 0 ? undefined : fields[at + 1] };
    },
  ],
];

const BACKENDS: readonly (readonly [string, Open])[] = [
  [
    'HTTP/1.1',
    async ({ status: code, length }) => {
      const upstream = await openUpstream(`HTTP/1.1 ${code} X\r\n${length === undefined ? '' : `Content-Length: ${length}\r\n`}\r\n`);
      return { port: upstream.port, serve: async () => undefined };
    },
  ],
  [
    'HTTP/2',
    async ({ status: code, length }) => {
      const server = await FrameServer.start();
      const fields: (readonly [string, string])[] = length === undefined ? [] : [['content-length', length]];
      const serve = async (): Promise<void> => (await server.asked()).write(head(1, String(code), END_STREAM, ...fields));
      return { port: server.port, serve };
    },
  ],
];

const modifier: ir.Filter = { type: 'ResponseHeaderModifier', headers: { set: [{ name: 'x', value: 'y' }], add: [], remove: [] } };

type Row = readonly [method: string, status: number, told: string | undefined, passed: string | undefined];
const ROWS: readonly Row[] = [
  ['HEAD', 200, '0', '0'],
  ['HEAD', 200, '5', '5'],
  ['HEAD', 200, undefined, undefined],
  ['HEAD', 404, '0', '0'],
  ['HEAD', 304, '0', '0'],
  ['GET', 304, '0', '0'],
  ['GET', 304, '5', '5'],
  ['GET', 304, undefined, undefined],
  // RFC 9110 section 8.6: a 204 has no Content-Length.
  ['GET', 204, undefined, undefined],
  ['GET', 204, '0', undefined],
  ['HEAD', 204, '0', undefined],
];

describe.each(BACKENDS)('a backend of %s', (backendProtocol, open) => {
  describe.each(CLIENTS)('a client of %s', (_, ask) => {
    test.each(ROWS)('%s answered %d with Content-Length %s', async (method, code, told, passed) => {
      const backend = await open({ status: code, length: told });
      const protocol = backendProtocol === 'HTTP/2' ? 'http2' : 'http1';
      const proxy = await openProxy([listener(), ...cluster('app', [backend.port], protocol), route({ filters: [modifier] })]);
      const [answer] = await Promise.all([ask(proxy.port, method), backend.serve()]);
      expect(answer).toEqual({ status: code, length: passed });
    });
  });
});

test.each(CLIENTS)('an answer of the proxy itself to HEAD has the length of the answer to GET, %s', async (_, ask) => {
  const redirect: ir.Filter = { type: 'RequestRedirect', scheme: null, hostname: 'b', path: null, port: null, statusCode: 302 };
  const proxy = await openProxy([listener(), ...cluster('app', [1]), route({ filters: [modifier, redirect] })]);
  expect(await ask(proxy.port, 'HEAD')).toEqual({ status: 302, length: '0' });
});
