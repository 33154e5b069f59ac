// The headers about the client that backends get: values of the proxy and of trusted proxies, never of the client itself.
import { describe, expect, test } from '@jest/globals';
import { attemptOf } from '../../test/support/pool-rig.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { ForwardedClient } from '../exchange/forwarded-client.ts';
import { setForwarded } from './forwarded.ts';

const PEER = '198.51.100.9';
const CLAIMS = [
  ...['x-forwarded-for', '1.1.1.1', 'x-forwarded-proto', 'https', 'x-forwarded-host', 'evil', 'x-forwarded-port', '1'],
  ...['forwarded', 'for=1.1.1.1', 'x-real-ip', '1.1.1.1', 'x-forwarded-client-cert', 'x', 'x_forwarded_for', '1.1.1.1'],
];

function exchangeOf(headers: readonly string[], fields: Partial<Exchange> = {}, tls: object | null = null): Exchange {
  const { exchange } = attemptOf({ requestHeaders: [...headers], authority: 'a.test', ...fields });
  return Object.assign(exchange, { connection: { remoteAddress: PEER, tls } });
}

/** The headers for the backend, by name. */
function told(exchange: Exchange): Record<string, string[]> {
  setForwarded(exchange);
  const found: Record<string, string[]> = {};
  const headers = exchange.requestHeaders;
  for (let i = 0; i < headers.length; i += 2) (found[headers[i] as string] ??= []).push(headers[i + 1] as string);
  return found;
}

function clientOf(fields: Partial<ForwardedClient> = {}): ForwardedClient {
  const address = '203.0.113.7';
  return { address, chain: `${address}, ${PEER}`, elements: null, scheme: 'https', authority: '', port: 443, ...fields };
}

describe('a peer that is not trusted', () => {
  test('cannot set them in any spelling; other headers keep their order', () => {
    const exchange = exchangeOf(['accept', 'x', ...CLAIMS, 'x-forward', 'y']);
    setForwarded(exchange);
    expect(exchange.requestHeaders).toEqual([
      ...['accept', 'x', 'x-forward', 'y'],
      ...['x-forwarded-for', PEER, 'x-forwarded-proto', 'http', 'x-forwarded-host', 'a.test'],
    ]);
  });

  test('without a host adds no host', () => {
    expect(told(exchangeOf([], { authority: '' }))).not.toHaveProperty('x-forwarded-host');
  });
});

describe('a client reported by trusted proxies', () => {
  test('has each header once, and headers that only trusted proxies know stay', () => {
    expect(told(exchangeOf(CLAIMS, { client: clientOf() }))).toEqual({
      'x-forwarded-client-cert': ['x'],
      'x-forwarded-for': [`203.0.113.7, ${PEER}`],
      'x-forwarded-proto': ['https'],
      'x-forwarded-host': ['a.test'],
      'x-forwarded-port': ['443'],
      'x-real-ip': ['203.0.113.7'],
    });
  });

  test('has x-real-ip only if a proxy sent it', () => {
    expect(told(exchangeOf([], { client: clientOf() }))).not.toHaveProperty('x-real-ip');
  });

  test('has no header spelt with underscores, even from trusted proxies', () => {
    const headers = ['x-forwarded_proto', 'http', 'x_real_ip', '1.1.1.1', 'x-forwarded-client_cert', 'x'];
    expect(Object.keys(told(exchangeOf(headers, { client: clientOf() })))).toEqual([
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
      'x-forwarded-port',
    ]);
  });

  test('has the requested host', () => {
    expect(told(exchangeOf([], { client: clientOf({ authority: 'asked.test' }) }))['x-forwarded-host']).toEqual(['asked.test']);
  });

  test.each([
    ['', PEER, null, `for=${PEER};host="a.test";proto=http`],
    ['for=203.0.113.7', PEER, {}, `for=203.0.113.7, for=${PEER};host="a.test";proto=https`],
    ['for=203.0.113.7', '2001:db8::1', null, 'for=203.0.113.7, for="[2001:db8::1]";host="a.test";proto=http'],
    ['for=203.0.113.7', '', null, 'for=203.0.113.7, for=unknown;host="a.test";proto=http'],
  ])('Forwarded continues after %j with the peer %j', (elements, remoteAddress, tls, forwarded) => {
    const exchange = exchangeOf(['forwarded', 'for=1.1.1.1'], { client: clientOf({ elements }) }, tls);
    Object.assign(exchange.connection, { remoteAddress });
    expect(told(exchange)['forwarded']).toEqual([forwarded]);
  });
});
