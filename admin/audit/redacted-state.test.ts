// No secret gets into the audit log, and the facts for auditors stay.
import { expect, test } from '@jest/globals';
import type { JsonValue } from '#lib/canonical-json.ts';
import { redactedState } from './redacted-state.ts';

const HIDDEN = '[redacted]';

const hiding: readonly (readonly [string, string, unknown, JsonValue])[] = [
  [
    'data of Secrets',
    'Secret',
    { data: { tls: 'eA==', n: { a: [1] } }, stringData: { x: 'y' } },
    { data: { tls: HIDDEN, n: { a: [HIDDEN] } }, stringData: { x: HIDDEN } },
  ],
  [
    'the copy that kubectl keeps',
    'Secret',
    { metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"a":"eA=="}}' } } },
    { metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': HIDDEN } } },
  ],
  [
    'hashes of passwords',
    'user',
    { name: 'ana', passwordHash: '$argon2id$v=19$x', mustChangePassword: true },
    { name: 'ana', passwordHash: HIDDEN, mustChangePassword: true },
  ],
  ['tokens', 'token', { id: 't1', token: 'weir_abc', hash: 'ab' }, { id: 't1', token: HIDDEN, hash: HIDDEN }],
  [
    'keys of second factors',
    'user',
    { totp: { key: 'JBSWY3DP', digits: 6 }, recoveryCodes: ['a', 'b'] },
    { totp: { key: HIDDEN, digits: HIDDEN }, recoveryCodes: [HIDDEN, HIDDEN] },
  ],
  [
    'secrets in lists',
    'channel',
    { credentials: [{ password: 'x', user: 'y' }, 'z'] },
    { credentials: [{ password: HIDDEN, user: HIDDEN }, HIDDEN] },
  ],
  [
    'values of headers with the name of a secret',
    'HTTPRoute',
    {
      set: [
        { name: 'X-Api-Key', value: 's3cret' },
        { name: 'Cookie', value: { a: 's3cret' } },
      ],
      add: [{ name: 'x-team', value: 'shop' }],
    },
    {
      set: [
        { name: 'X-Api-Key', value: HIDDEN },
        { name: 'Cookie', value: { a: HIDDEN } },
      ],
      add: [{ name: 'x-team', value: 'shop' }],
    },
  ],
  ['a key without the name of its Secret', 'x', { secret: { key: 's3cret' } }, { secret: { key: HIDDEN } }],
  ['tokens by their form', 'x', { note: `Bearer ${'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'}` }, { note: `Bearer ${HIDDEN}` }],
  ['assignments in texts', 'x', { url: 'https://a.example/?access_token=abcdef' }, { url: `https://a.example/?access_token=${HIDDEN}` }],
];

test.each(hiding)('hides %s', (_, kind, state, expected) => {
  expect(redactedState(kind, state)).toEqual(expected);
});

test('shows references to Secrets, names and addresses of users, and plain settings', () => {
  const state = {
    metadata: { name: 'login', namespace: 'shop' },
    spec: { oidc: { clientID: 'weir', clientSecret: { name: 'oidc', key: 'secret', kind: 'Secret' } }, cookie: { name: 'sid' } },
    email: 'ana@example.com',
    sessionPersistence: { sessionName: 'a', absoluteTimeout: '1h' },
    certificateRefs: [{ name: 'tls' }],
  };
  expect(redactedState('SecurityPolicy', state)).toEqual(state);
});

test('no state is null', () => {
  expect(redactedState('user', null)).toBeNull();
  expect(redactedState('user', undefined)).toBeNull();
});

test('a deep, a huge and a malformed state are made harmless', () => {
  const deep = JSON.parse('{"a":'.repeat(3_000) + '1' + '}'.repeat(3_000)) as JsonValue;
  expect(redactedState('x', deep)).toBe(HIDDEN);
  expect(JSON.stringify(redactedState('x', { a: ['['.repeat(80), JSON.parse('['.repeat(80) + ']'.repeat(80))] }))).toContain(HIDDEN);
  expect(redactedState('x', { a: 'b'.repeat(300_000) })).toEqual({
    tooLarge: { characters: 300_008, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
  expect(redactedState('x', { 'a\ud800': 'b\udc00', __proto__: null })).toEqual({ 'a\ufffd': 'b\ufffd' });
  expect(redactedState('Secret', JSON.parse('{"__proto__":{"data":{"x":"y"}},"data":{"x":"y"}}'))).toEqual(
    JSON.parse('{"__proto__":{"data":{"x":"y"}},"data":{"x":"[redacted]"}}'),
  );
});
