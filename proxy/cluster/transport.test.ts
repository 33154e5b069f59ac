// Equal transports are the same object.
import { expect, test } from '@jest/globals';
import type { Transport, UpstreamTls } from '../exchange/plan.ts';
import { transportOf } from './transport.ts';

const TLS: UpstreamTls = { serverName: 'a.test', subjectAltNames: [], authorities: 'pem', identity: null, settings: {} };

function settings(fields: Partial<Transport> = {}): Transport {
  return { protocol: 'http1', proxyProtocol: 0, tls: null, ...fields };
}

test('equal settings are one object', () => {
  expect(transportOf(settings())).toBe(transportOf(settings()));
  expect(transportOf(settings({ tls: TLS }))).toBe(transportOf(settings({ tls: { ...TLS } })));
});

test('each setting with an effect on the wire makes another object', () => {
  const differences: readonly Partial<Transport>[] = [
    {},
    { protocol: 'http2' },
    { proxyProtocol: 2 },
    { tls: TLS },
    { tls: { ...TLS, serverName: 'b.test' } },
    { tls: { ...TLS, authorities: null } },
    { tls: { ...TLS, identity: { chain: 'chain', privateKey: 'key' } } },
  ];
  expect(new Set(differences.map((fields) => transportOf(settings(fields)))).size).toBe(differences.length);
});

test('the object and its content are frozen', () => {
  const transport = transportOf(settings({ tls: TLS }));
  expect([Object.isFrozen(transport), Object.isFrozen(transport.tls)]).toEqual([true, true]);
});
