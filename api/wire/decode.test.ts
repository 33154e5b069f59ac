import { describe, expect, test } from '@jest/globals';
import type * as ir from '../ir/ir.ts';
import { decode } from './decode.ts';
import { encodeErrors } from './encode.ts';
import { MAX_ERRORS, MAX_ERROR_TEXT } from './limits.ts';

const ROUTE = {
  ...{ kind: 'Route', key: 'k', objectKind: 'HTTPRoute', namespace: 'a', name: 'r', ruleIndex: 0, ruleName: '', createdAt: 0 },
  ...{ attachments: [], matches: [], filters: [], backends: [], timeouts: { request: null, backendRequest: null }, retry: null },
} satisfies ir.Route;

const POLICY = {
  ...{ kind: 'Policy', key: 'k', policyKind: 'ClientTrafficPolicy', namespace: 'a', name: 'p', createdAt: 0 },
  ...{ targets: [{ kind: 'Gateway', namespace: 'a', name: 'g', section: '' }], settings: { timeouts: { idle: 1 } } },
} satisfies ir.Policy;

function decodeBytes(body: Buffer, kind = 'Route', key = 'k') {
  return decode({ kind, key, version: 'v', body });
}

function errorsOf(value: unknown): string[] {
  const decoded = decodeBytes(Buffer.from(JSON.stringify(value)));
  return decoded.ok ? [] : decoded.error.map(({ field, reason }) => `${field}: ${reason}`);
}

describe('decode', () => {
  test.each([
    ROUTE,
    { kind: 'Cluster', key: 'k', protocol: 'http2' },
    { kind: 'Endpoints', key: 'k', endpoints: [{ address: '::1', port: 1, draining: true, zone: 'z' }] },
    POLICY,
    { kind: 'Secret', key: 'k', certificate: 'c', privateKey: 'p' },
    { kind: 'Listener', key: 'k', gateway: 'g', addresses: [], port: 1, protocol: 'HTTPS', hostname: '', tls: null },
  ] satisfies ir.Resource[])('gives back a $kind', (resource) => {
    expect(decodeBytes(Buffer.from(JSON.stringify(resource)), resource.kind)).toEqual({ ok: true, value: resource });
  });

  test.each([
    ['a missing field', { ...ROUTE, name: undefined }, ['name: is required']],
    ['another key than it was sent with', { ...ROUTE, key: 'other' }, ['key: is not the key that it was sent with']],
    ['another kind than it was sent with', { ...ROUTE, kind: 'Cluster' }, ['kind: must be Route']],
    [
      'a value out of bounds, deep inside',
      { ...ROUTE, retry: { codes: [], attempts: -1, backoff: 0 } },
      ['retry.attempts: must be at least 0'],
    ],
    [
      'a constant that is none of those allowed',
      { ...ROUTE, matches: [{ path: { type: 'Glob', value: '/' }, method: null, headers: [], queryParams: [] }] },
      ['matches[0].path.type: must be one of Exact, PathPrefix, RegularExpression, GrpcMethod'],
    ],
    [
      'an error in one form of a union, for that form only',
      { ...ROUTE, filters: [{ type: 'RequestMirror', cluster: 'c', numerator: 1, denominator: 0 }] },
      ['filters[0].denominator: must be at least 1'],
    ],
    ['an unknown form of a union', { ...ROUTE, filters: [{ type: 'Nope' }] }, ['filters[0]: has none of the forms that are allowed here']],
    ['something else altogether', 'text', [': must be an object']],
  ])('reports %s', (_what, value, errors) => {
    expect(errorsOf(value)).toEqual(errors);
  });

  test.each([
    ['settings of a policy', { ...POLICY, settings: { timeouts: { idle: '1s' } } }, ['settings.timeouts.idle: must be an integer']],
    ['an unknown kind of policy', { ...POLICY, policyKind: 'Other' }, ['policyKind: is not a policy that this proxy knows']],
  ])('reports %s', (_what, value, errors) => {
    const decoded = decodeBytes(Buffer.from(JSON.stringify(value)), 'Policy');
    expect(decoded.ok ? [] : decoded.error.map(({ field, reason }) => `${field}: ${reason}`)).toEqual(errors);
  });

  test.each([
    ['no JSON', Buffer.from('{')],
    ['nothing', Buffer.alloc(0)],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['nesting without end', Buffer.from('['.repeat(200_000))],
  ])('refuses %s', (_what, body) => {
    expect(decodeBytes(body)).toEqual({ ok: false, error: [{ field: '', reason: 'is not UTF-8 JSON' }] });
  });

  test.each(['Widget', '', '__proto__', 'constructor'])('refuses the kind %j', (kind) => {
    expect(decodeBytes(Buffer.from('{}'), kind)).toEqual({
      ok: false,
      error: [{ field: 'kind', reason: 'is not a kind that this proxy knows' }],
    });
  });

  test.each([
    ['of a resource', { ...ROUTE, later: 1 }],
    ['deep inside', { ...ROUTE, backends: [{ cluster: 'c', weight: 1, filters: [], later: { on: true } }] }],
    [
      'of one form of a union',
      { ...ROUTE, filters: [{ type: 'URLRewrite', hostname: null, path: { type: 'ReplaceFullPath', value: '/', later: 1 }, later: 1 }] },
    ],
    ['of the settings of a policy', { ...POLICY, settings: { timeouts: { idle: 1, later: 1 }, later: { on: true } } }],
  ])('ignores a field %s of a later release', (_where, value) => {
    expect(decodeBytes(Buffer.from(JSON.stringify(value)), value.kind)).toMatchObject({ ok: true });
  });

  test('refuses __proto__ at any place', () => {
    const text = JSON.stringify(ROUTE).replace('{', '{"__proto__":{"polluted":true},');
    expect(decodeBytes(Buffer.from(text))).toEqual({ ok: false, error: [{ field: '', reason: 'has a field __proto__' }] });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('reports only the first errors of many', () => {
    expect(errorsOf({ ...ROUTE, matches: Array(1_000).fill(1) })).toHaveLength(MAX_ERRORS);
    const long = { field: 'f'.repeat(9_999), reason: 'r'.repeat(9_999) };
    const errors = encodeErrors({ kind: 'Route', key: 'k', version: 'v' }, Array(9).fill(long));
    expect(errors).toHaveLength(MAX_ERRORS);
    expect(errors.map(({ field, reason }) => [field.length, reason.length])).toEqual(
      Array(MAX_ERRORS).fill([MAX_ERROR_TEXT, MAX_ERROR_TEXT]),
    );
  });
});
