import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { parseKeys, secretKeys } from './key-set.ts';
import { fits, isSignedBy } from './signature.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ec384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const ed = generateKeyPairSync('ed25519');

function jwk(key: KeyObject, more: object = {}): object {
  return { ...key.export({ format: 'jwk' }), ...more };
}

function sizeOf(...keys: readonly unknown[]): number {
  const set = parseKeys(JSON.stringify({ keys }));
  return set.ok ? set.value.size : 0;
}

describe('a key set leaves out', () => {
  test.each<[string, unknown]>([
    ['a weak key', jwk(weak.publicKey)],
    ['a shared secret', { kty: 'oct', k: Buffer.alloc(32).toString('base64url') }],
    ['a key for encryption', jwk(rsa.publicKey, { use: 'enc' })],
    ['a key for other operations', jwk(rsa.publicKey, { key_ops: ['encrypt'] })],
    ['operations that are a text', jwk(rsa.publicKey, { key_ops: 'verify' })],
    ['a key of an unknown type', { kty: 'XYZ' }],
    ['a key without its numbers', { kty: 'RSA' }],
    ['an id that is a number', jwk(rsa.publicKey, { kid: 1 })],
    ['null', null],
  ])('%s', (_, key) => {
    expect(sizeOf(key)).toBe(0);
    expect(sizeOf(key, jwk(ec.publicKey))).toBe(1);
  });
});

test('a key set keeps public keys only, and a bounded number of them', () => {
  expect(sizeOf(jwk(rsa.publicKey), jwk(ec.publicKey), jwk(ed.publicKey))).toBe(3);
  expect(sizeOf(...Array.from({ length: 200 }, () => jwk(ed.publicKey)))).toBe(128);
});

test.each([['{'], ['[]'], ['{"keys":{}}'], ['null'], ['']])('%s is no key set', (text) => {
  expect(parseKeys(text).ok).toBe(false);
});

test('a key in PEM is public', () => {
  expect(parseKeys(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string).ok).toBe(true);
  expect(parseKeys(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string).ok).toBe(false);
});

test('a shared secret has 32 bytes', () => {
  expect([secretKeys(Buffer.alloc(31)).ok, secretKeys(Buffer.alloc(32)).ok]).toEqual([false, true]);
});

test('candidates have the id, or none if no key has it, and fit the algorithm', () => {
  const set = parseKeys(
    JSON.stringify({ keys: [jwk(rsa.publicKey, { kid: 'a', alg: 'RS256' }), jwk(ec.publicKey), jwk(ec384.publicKey, { kid: 'b' })] }),
  );
  if (!set.ok) throw new Error(set.error);
  const found = (id: string, algorithm: string): number => set.value.candidates(id, algorithm).length;
  expect([found('a', 'RS256'), found('a', 'RS512'), found('a', 'ES256'), found('a', 'HS256')]).toEqual([1, 0, 0, 0]);
  expect([found('new', 'ES256'), found('new', 'RS256'), found('', 'ES256'), found('', 'RS256'), found('b', 'ES256')]).toEqual([
    1, 0, 1, 1, 0,
  ]);
});

test('a key fits the algorithms of its type and curve', () => {
  const all = ['RS256', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'HS256', 'rs256', 'none', ''];
  const fitting = (key: KeyObject): readonly string[] => all.filter((algorithm) => fits(algorithm, key));
  expect([rsa, ec, ec384, ed].map(({ publicKey }) => fitting(publicKey))).toEqual([['RS256', 'PS512'], ['ES256'], ['ES384'], ['EdDSA']]);
});

test('a signature is that of the key, in the form of JOSE', () => {
  const text = Buffer.from('text');
  const right = sign('sha256', text, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
  expect(isSignedBy('ES256', ec.publicKey, text, right)).toBe(true);
  expect(isSignedBy('ES256', ec.publicKey, Buffer.from('other'), right)).toBe(false);
  expect(isSignedBy('ES256', ec.publicKey, text, sign('sha256', text, ec.privateKey))).toBe(false);
  expect(isSignedBy('ES256', ec.publicKey, text, Buffer.alloc(64))).toBe(false);
  expect(isSignedBy('RS256', rsa.publicKey, text, Buffer.alloc(0))).toBe(false);
});
