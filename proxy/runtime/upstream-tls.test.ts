// TLS to endpoints with what it refers to: where something is missing, no endpoint is trusted.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { listener } from '../../test/support/proxy.ts';
import { clientIdentities, resolveTls } from './upstream-tls.ts';

const TLS: ir.UpstreamTls = { serverName: 'a.test', subjectAltNames: [], authorities: ['ConfigMap/default/a', 'ConfigMap/default/b'] };

function bundles(...names: readonly string[]): ReadonlyMap<string, ir.TrustBundle> {
  const entries = names.map((name) => [`ConfigMap/default/${name}`, bundle(name)] as const);
  return new Map(entries);
}

function bundle(name: string): ir.TrustBundle {
  return { kind: 'TrustBundle', key: `ConfigMap/default/${name}`, certificates: `${name}\n` };
}

describe('resolveTls', () => {
  test('without TLS is in the clear', () => {
    expect(resolveTls(undefined, bundles('a'))).toBeNull();
  });

  test('believes every bundle that is named', () => {
    expect(resolveTls(TLS, bundles('a', 'b', 'c'))?.authorities).toBe('a\nb\n');
  });

  test('leaves out a bundle that is missing, and trusts nobody where all are', () => {
    expect(resolveTls(TLS, bundles('b'))?.authorities).toBe('b\n');
    expect(resolveTls(TLS, bundles())?.authorities).toBe('');
  });

  test('believes whom the platform does where it is told so', () => {
    expect(resolveTls({ ...TLS, authorities: 'System' }, bundles())?.authorities).toBeNull();
  });
});

describe('clientIdentities', () => {
  const secret: ir.Secret = { kind: 'Secret', key: 'default/client', certificate: 'chain', privateKey: 'key' };
  const secrets = new Map([[secret.key, secret]]);

  test('are those of listeners that name a Secret which is there', () => {
    const listeners = [
      listener({ key: 'default/gateway/a', clientCertificate: secret.key }),
      listener({ key: 'default/gateway/b' }),
      listener({ key: 'default/gateway/c', clientCertificate: 'default/gone' }),
    ];
    expect([...clientIdentities(listeners, secrets)]).toEqual([['default/gateway/a', { chain: 'chain', privateKey: 'key' }]]);
  });

  test('are the same object for the same Secret, so that connections are kept', () => {
    const listeners = [listener({ clientCertificate: secret.key })];
    const [before, after] = [clientIdentities(listeners, secrets), clientIdentities(listeners, new Map(secrets))];
    expect(after.get(listener().key)).toBe(before.get(listener().key));
    const renewed = new Map([[secret.key, { ...secret, certificate: 'other' }]]);
    expect(clientIdentities(listeners, renewed).get(listener().key)).not.toBe(before.get(listener().key));
  });
});
