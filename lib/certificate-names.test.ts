// The names of a client certificate, and the form of its subject.
import { describe, expect, test } from '@jest/globals';
import { certificateNames } from './certificate-names.ts';
import { normaliseName, subjectOf } from './distinguished-name.ts';

describe('the names of a certificate', () => {
  const names = (subjectAltName: string | undefined) =>
    certificateNames({ subject: 'O=Example\nCN=alice', subjectAltName, fingerprint256: 'AA:0B' });

  test('are those of its subject, its alternative names and its digest', () => {
    expect(names('DNS:A.example.com, IP Address:10.0.0.1, URI:spiffe://example.com/alice, DNS:b.example.com')).toEqual({
      subject: 'CN=alice,O=Example',
      dnsNames: ['a.example.com', 'b.example.com'],
      uris: ['spiffe://example.com/alice'],
      fingerprint: 'aa0b',
    });
  });

  test('a quoted name is one name, whatever it has', () => {
    expect(names('URI:"spiffe://a, DNS:admin.example.com", DNS:a')).toMatchObject({
      uris: ['spiffe://a, DNS:admin.example.com'],
      dnsNames: ['a'],
    });
  });

  test('there may be no alternative names', () => {
    expect(names(undefined)).toMatchObject({ dnsNames: [], uris: [] });
  });
});

describe('a distinguished name', () => {
  test.each([
    ['cn = alice, O = Example', 'CN=alice,O=Example'],
    ['CN=alice,O=Example', 'CN=alice,O=Example'],
    ['CN=Smith\\, Alice, O=Example', 'CN=Smith\\, Alice,O=Example'],
    ['CN=alice + uid=7, O=Example', 'CN=alice+UID=7,O=Example'],
    ['CN=alice\\ , O=Example', 'CN=alice\\ ,O=Example'],
  ])('%s has the form %s', (text, form) => {
    expect(normaliseName(text)).toBe(form);
  });

  test('of a certificate begins with its last part', () => {
    expect(subjectOf({ subject: 'C=US\nO=Example\\, Inc.\nCN=alice' })).toBe('CN=alice,O=Example\\, Inc.,C=US');
  });
});
