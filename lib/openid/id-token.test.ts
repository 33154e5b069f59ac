// The claims of ID tokens that a wrong or hostile provider could send.
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { claimsOfUser, idTokenProblem } from './id-token.ts';

const now = Math.floor(Date.now() / 1_000);
const hash = createHash('sha256').update('token').digest().subarray(0, 16).toString('base64url');
const GOOD = { iss: 'https://login.example', sub: 'alice', aud: 'shop', exp: now + 60, iat: now, nonce: 'n', at_hash: hash };
const EXPECTED = { issuer: 'https://login.example', clientId: 'shop', nonce: 'n', accessToken: 'token', algorithm: 'RS256' };

test.each([
  ['as expected', {}],
  ['with a list of one audience', { aud: ['shop'] }],
  ['for several audiences, issued to this client', { aud: ['shop', 'other'], azp: 'shop' }],
  ['without the hash of the access token', { at_hash: undefined }],
])('a token is accepted %s', (_, changes) => {
  expect(idTokenProblem({ ...GOOD, ...changes }, EXPECTED)).toBeNull();
});

test.each([
  ['another issuer', { iss: 'https://login.example/' }],
  ['no subject', { sub: '' }],
  ['a subject that is no text', { sub: 7 }],
  ['another audience', { aud: 'other' }],
  ['several audiences and no authorized party', { aud: ['shop', 'other'] }],
  ['another authorized party', { azp: 'other' }],
  ['the nonce of another login', { nonce: 'm' }],
  ['no nonce', { nonce: undefined }],
  ['an end in the past', { exp: now - 120 }],
  ['no end', { exp: undefined }],
  ['a beginning in the future', { iat: now + 120 }],
  ['the hash of another access token', { at_hash: hash.replace(/^./, '_') }],
])('a token is refused with %s', (_, changes) => {
  expect(idTokenProblem({ ...GOOD, ...changes }, EXPECTED)).toMatch(/token/);
});

test('a token after a refresh needs no nonce', () => {
  expect(idTokenProblem({ ...GOOD, nonce: undefined }, { ...EXPECTED, nonce: null })).toBeNull();
});

test('the principal has the claims about the user only', () => {
  expect(claimsOfUser({ ...GOOD, email: 'a@example.com', sid: 's' })).toEqual({
    ...{ iss: 'https://login.example', sub: 'alice', aud: 'shop', email: 'a@example.com' },
  });
});
