// Any bytes of a client do not change the meaning of the elements that a trusted proxy adds after them.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Exchange } from '../exchange/exchange.ts';
import type { DownstreamConnection } from '../exchange/exchange.ts';
import type { DownstreamStream } from '../exchange/stream.ts';
import { TrustedProxies } from './trusted-proxies.ts';
import { TrustedSources } from './trusted-sources.ts';

const PEER = { remoteAddress: '10.0.0.1', localPort: 80, tls: null } as unknown as DownstreamConnection;
const NO_STREAM = {} as unknown as DownstreamStream;

/** Much longer than the maximum head. */
const LONG = 1_048_576;

/** The client of a request with these header lines from the peer; null: the request is refused. */
function told(header: string, lines: readonly string[], hops: number) {
  const sources = hops === Infinity ? TrustedSources.of(['10.0.0.0/8']) : null;
  const exchange = new Exchange(PEER, NO_STREAM, 0);
  exchange.requestHeaders = lines.flatMap((line) => [header, line]);
  return new TrustedProxies({ hops, sources, header, failClosed: true }).identify(exchange) ? exchange.client : null;
}

/** Elements of a client: any bytes, mostly those of lists. */
const words = fc
  .array(
    fc.oneof(
      fc.constantFrom(...'",;=\\[]: \t'),
      fc.constantFrom('for=', '10.0.0.1', '6.6.6.6', '::1', 'unknown', '"", '),
      fc.string({ maxLength: 3 }),
    ),
    {
      maxLength: 30,
    },
  )
  .map((pieces) => pieces.join(''));

describe.each([
  ['x-forwarded-for', ['203.0.113.7', '2001:db8::7', '[2001:db8::7]:4711'], '10.9.9.9'],
  ['forwarded', ['for=203.0.113.7', 'for="[2001:db8::7]:4711";host="a\\"b,c"', 'proto=https;for="203.0.113.7"'], 'for=10.9.9.9;by="\\\\"'],
] as const)('%s', (header, clients, proxy) => {
  test.each([1, 2, Infinity])('has the same result behind elements of a client, on its line or on another (%s hops)', (hops) => {
    fc.assert(
      fc.property(words, fc.constantFrom(...clients), fc.boolean(), (spoofed, client, isApart) => {
        const honest = hops === 1 ? [client] : [client, proxy];
        const expected = told(header, [honest.join(', ')], hops);
        expect(expected).not.toBeNull();
        const lines = isApart ? [spoofed, ...honest] : [[spoofed, ...honest].join(', ')];
        expect(told(header, lines, hops)).toEqual(expected);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is read in a time that grows linearly with its length', () => {
    const pieces = ['"', '\\"', '"\\\\', ',', ';', 'for=10.0.0.1,', '10.0.0.1,', ':', '[', 'for="10.0.0.1",'];
    const texts = pieces.map((piece) => piece.repeat(Math.ceil(LONG / piece.length)));
    const pairs = Array.from({ length: LONG / 8 }, (_, i) => `a${i}=b`).join(';');
    for (const text of [...texts, pairs]) {
      const before = process.cpuUsage();
      for (const hops of [32, Infinity]) told(header, [text], hops);
      const { user } = process.cpuUsage(before);
      // 100 times the usual time, and 1 % of the time of a quadratic algorithm.
      expect([text.slice(0, 20), user < 2_000_000]).toEqual([text.slice(0, 20), true]);
    }
  });
});
