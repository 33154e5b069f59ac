import { describe, expect, test } from '@jest/globals';
import type { Addition } from '#api/ir/ir.ts';
import { encodeResource } from '#api/ir/ir.ts';
import type { EncodedResource, Resource } from '#api/ir/ir.ts';
import { Adapter, adapterFor, versionInFull } from './adapt.ts';

/** A resource of a later release. */
function later(content: Record<string, unknown>): EncodedResource {
  return encodeResource(content as unknown as Resource);
}

function adapt(resource: EncodedResource, ...missing: Omit<Addition, 'capability'>[]) {
  const adapted = new Adapter(missing.map((addition) => ({ capability: 'new', ...addition }))).adapt(resource);
  return adapted.type === 'send' ? { ...adapted, content: JSON.parse(adapted.resource.body.toString()) as object } : adapted;
}

const ROUTE = later({ kind: 'Route', key: 'r', backends: [{ weight: 1, share: 2 }, { weight: 1 }], filters: [{ type: 'Cache', ttl: 1 }] });
const POLICY = later({ kind: 'Policy', key: 'p', policyKind: 'ClientTrafficPolicy', settings: { clientIP: { hops: 1 }, body: 2 } });

describe('a resource for a proxy of another release', () => {
  test('is unchanged if it uses no addition that the proxy lacks', () => {
    const missing = { path: 'Route.backends[].zone', otherwise: 'omit' } as const;
    expect(adapt(ROUTE, missing)).toMatchObject({ type: 'send', resource: ROUTE });
    expect(adapt(POLICY, { ...missing, path: 'Listener.unserved' })).toMatchObject({ resource: POLICY });
    expect(adapt(POLICY, { ...missing, path: 'BackendTrafficPolicy.settings.clientIP' })).toMatchObject({ resource: POLICY });
  });

  test('is sent without an optional field, with another version', () => {
    const adapted = adapt(ROUTE, { path: 'Route.backends[].share', otherwise: 'omit' });
    const lacks = [{ field: 'backends[].share', reason: 'has no effect in this version of the proxy: upgrade the proxy' }];
    expect(adapted).toMatchObject({ type: 'send', content: { backends: [{ weight: 1 }, { weight: 1 }] }, lacks });
    expect(adapt(ROUTE, { path: 'Route.backends[].share', otherwise: 'omit silently' })).toMatchObject({ type: 'send', lacks: [] });
    const version = adapted.type === 'send' ? adapted.resource.version : '';
    expect(version).not.toBe(ROUTE.version);
    expect(versionInFull(version)).toBe(ROUTE.version);
    expect(versionInFull(ROUTE.version)).toBe(ROUTE.version);
  });

  test.each([
    ['a field', POLICY, 'ClientTrafficPolicy.settings.clientIP', 'settings.clientIP'],
    ['a value', ROUTE, 'Route.filters[].type=Cache', 'filters[].type=Cache'],
    ['a kind', ROUTE, 'Route', ''],
    ['a kind of policy', POLICY, 'ClientTrafficPolicy', ''],
  ])('is withheld if the proxy lacks %s that it needs, with the reason', (_what, resource, path, field) => {
    expect(adapt(resource, { path, otherwise: 'withhold' })).toEqual({
      type: 'withhold',
      errors: [{ field, reason: 'needs a newer version of the proxy: upgrade the proxy' }],
    });
  });

  const GUARD = later({
    ...{ kind: 'Policy', key: 'SecurityPolicy/a/p', policyKind: 'SecurityPolicy', targets: [{ kind: 'Gateway' }] },
    ...{ settings: { ipAccess: { deny: [] }, shield: { strong: true } }, references: ['ObjectData|Secret/a/b'] },
  });

  test.each(['omit', 'omit silently', 'withhold'] as const)(
    'refuses requests if its policy protects by a setting that the proxy lacks (%s)',
    (otherwise) => {
      const adapted = adapt(GUARD, { path: 'SecurityPolicy.settings.shield', otherwise });
      const reason = 'needs a newer version of the proxy: upgrade the proxy';
      expect(adapted).toMatchObject({ type: 'send', lacks: [{ field: 'settings.shield', reason }] });
      expect('content' in adapted ? adapted.content : null).toEqual({
        ...{ kind: 'Policy', key: 'SecurityPolicy/a/p', policyKind: 'SecurityPolicy', targets: [{ kind: 'Gateway' }], settings: {} },
        problems: [{ field: '', message: `settings.shield ${reason}` }],
      });
      expect(adapted.type === 'send' ? adapted.resource.version : '').toMatch(new RegExp(`^${GUARD.version}~`));
    },
  );

  test.each([
    [{ openapi: { request: 'Enforce' }, shield: {} }, 'send'],
    [{ compression: {}, shield: {} }, 'withhold'],
  ])('of a kind that protects by some settings refuses requests only with one of these: %j', (settings, type) => {
    const policy = later({ kind: 'Policy', key: 'HTTPPolicy/a/p', policyKind: 'HTTPPolicy', targets: [{ kind: 'Gateway' }], settings });
    expect(adapt(policy, { path: 'HTTPPolicy.settings.shield', otherwise: 'withhold' }).type).toBe(type);
  });

  test('of a kind that the proxy does not know, or without problems in policies, is withheld although it protects', () => {
    const setting = { path: 'SecurityPolicy.settings.shield', otherwise: 'omit' } as const;
    expect(adapt(GUARD, setting, { path: 'SecurityPolicy', otherwise: 'withhold' })).toMatchObject({ type: 'withhold' });
  });

  test('is removed if the proxy must not hold it', () => {
    const withheld = { path: 'Route.filters', otherwise: 'withhold' } as const;
    expect(adapt(ROUTE, withheld, { path: 'Route.backends[].share', otherwise: 'remove' })).toEqual({ type: 'remove' });
  });

  test('is adapted once for all proxies that lack the same additions', () => {
    expect(adapterFor([])).toBe(adapterFor(['of a later release']));
  });
});
