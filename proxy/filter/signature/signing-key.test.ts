import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Algorithm } from './algorithms.ts';
import { SigningKey } from './signing-key.ts';

const ed = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 });

function pem(key: KeyObject): Buffer {
  return Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }) as string);
}

function keyOf(value: Buffer | null, algorithm: Algorithm | null = null): SigningKey {
  return new SigningKey({ value, onChange: () => () => undefined }, algorithm);
}

describe('a key signs with its algorithm:', () => {
  test.each<[string, Buffer, Algorithm | null, string]>([
    ['a secret', Buffer.from('0123456789abcdef'), null, 'hmac-sha256'],
    ['Ed25519', pem(ed.privateKey), null, 'ed25519'],
    ['RSA', pem(rsa.privateKey), null, 'rsa-pss-sha512'],
    ['RSA by name', pem(rsa.privateKey), 'rsa-pss-sha512', 'rsa-pss-sha512'],
  ])('%s', (_, value, wanted, algorithm) => {
    expect(keyOf(value, wanted).usable?.algorithm).toBe(algorithm);
  });
});

describe('nothing signs:', () => {
  test.each<[string, Buffer | null, Algorithm | null]>([
    ['no entry', null, null],
    ['an empty entry', Buffer.alloc(0), null],
    ['a short secret', Buffer.from('0123456789abcde'), null],
    ['a public key', Buffer.from(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string), null],
    ['a public key as a secret', Buffer.from(rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string), 'hmac-sha256'],
    ['a private key as a secret', pem(ed.privateKey), 'hmac-sha256'],
    ['a secret as a private key', Buffer.from('0123456789abcdef'), 'ed25519'],
    ['a weak key', pem(weak.privateKey), null],
    ['a broken key', Buffer.from('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'), null],
  ])('%s', (_, value, wanted) => {
    expect(keyOf(value, wanted).usable).toBeNull();
  });
});

test('a changed entry is parsed again, and no other', () => {
  const handle = { value: pem(ed.privateKey) as Buffer | null, onChange: () => () => undefined };
  const key = new SigningKey(handle, null);
  const first = key.usable;
  expect(key.usable).toBe(first);
  handle.value = pem(rsa.privateKey);
  expect(key.usable?.algorithm).toBe('rsa-pss-sha512');
  handle.value = null;
  expect(key.usable).toBeNull();
});
