// The test vectors of RFC 9421 appendix B and of RFC 9530 appendix.
import { describe, expect, test } from '@jest/globals';
import { createHash, createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { parseDictionary, type InnerList } from '#lib/structured-fields.ts';
import { algorithmsOf, signatureOf, verifies, type Algorithm } from './algorithms.ts';
import { signatureBase, type SignedRequest } from './components.ts';
import { contentDigest, digestsMatch, parseContentDigest } from './content-digest.ts';

const BODY = '{"hello": "world"}';
const DIGEST = 'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:';

const REQUEST: SignedRequest = {
  method: 'POST',
  scheme: 'https',
  authority: 'example.com',
  path: '/foo',
  query: 'param=Value&Pet=dog',
  hasQuery: true,
  requestHeaders: ['date', 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type', 'application/json', 'content-digest', DIGEST],
  contentLength: 18,
};

function jwk(key: Record<string, string>): KeyObject {
  return createPublicKey({ key, format: 'jwk' });
}

const SHARED = createSecretKey(
  Buffer.from('uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==', 'base64'),
);
const ED25519 = jwk({ kty: 'OKP', crv: 'Ed25519', x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs' });
const RSA_PSS = jwk({
  kty: 'RSA',
  e: 'AQAB',
  n: 'r4tmm3r20Wd_PbqvP1s2-QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct-Lh1GH45x28Rw3Ry53mm-oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL-Wokqltd11nqqzi-bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d-nb4bnNkQVklLQ3fVAvJm-xdDOp9LCNCN48V2pnDOkFV6-U9nV5oyc6XI2w',
});

const BOUNDS = { maxLength: 4_096, maxMembers: 4, maxItems: 32 };

function listOf(input: string): InnerList {
  const parsed = parseDictionary(`sig=${input}`, BOUNDS);
  const member = parsed.ok ? parsed.value.get('sig') : undefined;
  if (member === undefined || !('items' in member)) throw new Error(input);
  return member;
}

function baseOf(input: string, request: SignedRequest = REQUEST): string | null {
  return signatureBase(listOf(input), request)?.toString('latin1') ?? null;
}

const B_2_3 =
  '("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss"';

const VECTORS: [name: string, algorithm: Algorithm, key: KeyObject, input: string, signature: string][] = [
  [
    'B.2.2, selected components with rsa-pss-sha512',
    'rsa-pss-sha512',
    RSA_PSS,
    '("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example"',
    'LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==',
  ],
  [
    'B.2.3, all components with rsa-pss-sha512',
    'rsa-pss-sha512',
    RSA_PSS,
    B_2_3,
    'bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==',
  ],
  [
    'B.2.5, hmac-sha256',
    'hmac-sha256',
    SHARED,
    '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
    'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=',
  ],
  [
    'B.2.6, ed25519',
    'ed25519',
    ED25519,
    '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
    'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==',
  ],
];

describe('the signature of RFC 9421', () => {
  test.each(VECTORS)('%s', (_, algorithm, key, input, signature) => {
    const base = signatureBase(listOf(input), REQUEST) as Buffer;
    const bytes = Buffer.from(signature, 'base64');
    expect(algorithmsOf(key)).toContain(algorithm);
    expect(verifies(algorithm, key, base, bytes)).toBe(true);
    expect(verifies(algorithm, key, Buffer.concat([base, Buffer.from(' ')]), bytes)).toBe(false);
    expect(verifies(algorithm, key, base, bytes.subarray(1))).toBe(false);
    expect(verifies(algorithm, key, base, Buffer.alloc(0))).toBe(false);
  });

  test('B.2.4, ecdsa-p256-sha256, of an answer', () => {
    const key = createPublicKey(
      '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\nw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n',
    );
    const base = [
      '"@status": 200',
      '"content-type": application/json',
      '"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
      '"content-length": 23',
      '"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256"',
    ].join('\n');
    const signature = 'wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==';
    expect(verifies('ecdsa-p256-sha256', key, Buffer.from(base), Buffer.from(signature, 'base64'))).toBe(true);
  });

  test('B.2.5 is made again, and that of B.2.6 too', () => {
    const [, , hmac, ed25519] = VECTORS.map(([, , , input]) => signatureBase(listOf(input), REQUEST) as Buffer);
    const key = createPrivateKey({
      key: {
        kty: 'OKP',
        crv: 'Ed25519',
        d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
        x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
      },
      format: 'jwk',
    });
    expect(signatureOf('hmac-sha256', SHARED, hmac as Buffer).toString('base64')).toBe(VECTORS[2]?.[4]);
    expect(signatureOf('ed25519', key, ed25519 as Buffer).toString('base64')).toBe(VECTORS[3]?.[4]);
  });
});

test('the base of B.2.3 has one line for each component', () => {
  expect(baseOf(B_2_3)?.split('\n')).toEqual([
    '"date": Tue, 20 Apr 2021 02:07:55 GMT',
    '"@method": POST',
    '"@path": /foo',
    '"@query": ?param=Value&Pet=dog',
    '"@authority": example.com',
    '"content-type": application/json',
    `"content-digest": ${DIGEST}`,
    '"content-length": 18',
    `"@signature-params": ${B_2_3}`,
  ]);
});

describe('a derived component', () => {
  test.each([
    ['"@target-uri"', {}, 'https://example.com/foo?param=Value&Pet=dog'],
    ['"@target-uri"', { hasQuery: false, query: '' }, 'https://example.com/foo'],
    ['"@query"', { hasQuery: false, query: '' }, '?'],
    ['"@authority"', { authority: 'EXAMPLE.com:443' }, 'example.com'],
    ['"@authority"', { authority: 'example.com:80' }, 'example.com:80'],
    ['"@authority"', { authority: 'example.com:80', scheme: 'http' }, 'example.com'],
    ['"@scheme"', {}, 'https'],
    // The examples of section 2.2.8.
    [
      '"@query-param";name="var"',
      { query: 'var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace' },
      'this%20is%20a%20big%0Amultiline%20value',
    ],
    ['"@query-param";name="bar"', { query: 'var=1&bar=with+plus+whitespace' }, 'with%20plus%20whitespace'],
    ['"@query-param";name="fa%C3%A7ade%22%3A%20"', { query: 'fa%C3%A7ade%22%3A%20=something' }, 'something'],
  ])('%s of %j', (identifier, change, value) => {
    expect(baseOf(`(${identifier})`, { ...REQUEST, ...change })?.split('\n')[0]).toBe(`${identifier}: ${value}`);
  });
});

describe('no base for', () => {
  test.each([
    ['a component of answers', '("@status")'],
    ['an unknown derived component', '("@request-target")'],
    ['a component twice', '("@method" "@method")'],
    ['a field twice', '("date" "date")'],
    ['a field that the request lacks', '("x-missing")'],
    ['a field in upper case', '("Date")'],
    ['a field with sf', '("content-digest";sf)'],
    ['a field with key', '("content-digest";key="sha-512")'],
    ['a field with bs', '("date";bs)'],
    ['a field of the trailers', '("date";tr)'],
    ['a field of another request', '("@method";req)'],
    ['a token', '(date)'],
    ['a query parameter without its name', '("@query-param")'],
    ['a query parameter that is missing', '("@query-param";name="cat")'],
    ['a name that is no string', '("@query-param";name=Pet)'],
  ])('%s', (_, input) => {
    expect(baseOf(input)).toBeNull();
  });

  test('a query parameter that is there twice', () => {
    expect(baseOf('("@query-param";name="a")', { ...REQUEST, query: 'a=1&%61=2' })).toBeNull();
  });
});

test('lines of one field are one value, and another line changes it', () => {
  const request = { ...REQUEST, requestHeaders: ['x-a', '1', 'x-b', '', 'x-a', '2'] };
  expect(baseOf('("x-a" "x-b")', request)).toBe('"x-a": 1, 2\n"x-b": \n"@signature-params": ("x-a" "x-b")');
});

describe('the algorithms of a key', () => {
  test.each([
    ['an RSA key that is too short', generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey, []],
    ['an RSA key', generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey, ['rsa-pss-sha512', 'rsa-v1_5-sha256']],
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, ['ecdsa-p256-sha256']],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey, ['ecdsa-p384-sha384']],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey, []],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, []],
    ['X25519', generateKeyPairSync('x25519').publicKey, []],
  ])('%s', (_, key, algorithms) => {
    expect(algorithmsOf(key)).toEqual(algorithms);
  });
});

describe('Content-Digest', () => {
  test('of the examples of RFC 9530', () => {
    for (const field of [DIGEST, 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:']) {
      expect(digestsMatch(parseContentDigest(field) as Map<string, Buffer>, Buffer.from(BODY))).toBe(true);
      expect(digestsMatch(parseContentDigest(field) as Map<string, Buffer>, Buffer.from(`${BODY}\n`))).toBe(false);
    }
    expect(contentDigest(Buffer.from(BODY))).toBe('sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:');
  });

  test('every digest must match', () => {
    const wrong = createHash('sha256').update('other').digest('base64');
    const digests = parseContentDigest(`${DIGEST}, sha-256=:${wrong}:`);
    expect(digestsMatch(digests as Map<string, Buffer>, Buffer.from(BODY))).toBe(false);
  });

  test.each([
    ['only a hash that can be forged', 'md5=:XrY7u+Ae7tCTyyK7j1rNww==:'],
    ['no bytes', 'sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE'],
    ['a hash twice', 'sha-256=:AA==:, sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:'],
    ['nothing', ''],
  ])('with %s proves nothing', (_, field) => {
    expect(parseContentDigest(field)).toBeNull();
  });
});
