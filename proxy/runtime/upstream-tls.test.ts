// TLS to endpoints with its references: if one is missing, no endpoint is trusted.
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
  test('returns null without TLS', () => {
    expect(resolveTls(undefined, bundles('a'))).toBeNull();
  });

  test('trusts every bundle in the list', () => {
    expect(resolveTls(TLS, bundles('a', 'b', 'c'))?.authorities).toBe('a\nb\n');
  });

  test('omits a missing bundle, and trusts no authority if all are missing', () => {
    expect(resolveTls(TLS, bundles('b'))?.authorities).toBe('b\n');
    expect(resolveTls(TLS, bundles())?.authorities).toBe('');
  });

  test('trusts the authorities of the platform if this is set', () => {
    expect(resolveTls({ ...TLS, authorities: 'System' }, bundles())?.authorities).toBeNull();
  });
});

describe('clientIdentities', () => {
  const secret: ir.Secret = { kind: 'Secret', key: 'default/client', certificate: 'chain', privateKey: 'key' };
  const secrets = new Map([[secret.key, secret]]);

  test('are those of listeners with an existing Secret', () => {
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
