import { describe, expect, test } from '@jest/globals';
import { fleetIdentity, scopeOfIdentity } from './fleet-identity.ts';
import { SHARED } from './fleet-scopes.ts';

describe('the scope of an identity', () => {
  test('is the Gateway in its URI', () => {
    expect(scopeOfIdentity(fleetIdentity('infra/edge.v2'))).toEqual({ ok: true, value: 'infra/edge.v2' });
  });

  test.each([
    ['no identity', null],
    ['a common name', 'proxy-1'],
    ['another trust domain', 'spiffe://cluster.local/ns/a/gateway/b'],
    ['a trust domain with the same prefix', 'spiffe://weirdo/ns/a/gateway/b'],
    ['a service account', 'spiffe://weir/ns/weir-system/sa/proxy'],
    ['a namespace with a similar name', 'spiffe://weir/ns/gateway-system/sa/proxy'],
  ])('is shared for %s', (_what, identity) => {
    expect(scopeOfIdentity(identity)).toEqual({ ok: true, value: SHARED });
  });

  test.each([
    'spiffe://weir/ns/a/gateway/',
    'spiffe://weir/ns//gateway/b',
    'spiffe://weir/ns/a/gateway',
    'spiffe://weir/ns/a/gateway/b/',
    'spiffe://weir/ns/a/gateway/b/c',
    'spiffe://weir/ns/a//gateway/b',
    'spiffe://weir/x/ns/a/gateway/b',
    'spiffe://weir/ns/a/gateway/b?x',
    'spiffe://weir/ns/a/gateway/b#x',
    'spiffe://weir/ns/a/gateway/../b',
    'spiffe://weir/ns/a/%67ateway/b',
    'spiffe://weir/ns/a%2fgateway%2fb',
    'spiffe://weir/ns/a/GATEWAY/b',
    'spiffe://weir/ns/A/gateway/b',
    'spiffe://weir/ns/a.b/gateway/c',
    'spiffe://weir/ns/a/gateway/b\n',
    'SPIFFE://weir/ns/a/gateway/b',
    'spiffe://WEIR/ns/a/gateway/b',
    'spiffe://weir',
    'spiffe://weir/',
    'spiffe://weir/admin',
    'spiffe://weir/Admin/x',
  ])('%j is refused', (identity) => {
    expect(scopeOfIdentity(identity).ok).toBe(false);
  });
});
