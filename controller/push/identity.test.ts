import { describe, expect, test } from '@jest/globals';
import { identityOf } from './identity.ts';

const of = (subjectaltname: string, CN: unknown = 'common') => identityOf({ subjectaltname, subject: { CN } as never });

describe('the identity of a certificate', () => {
  test.each([
    ['its URI', 'DNS:a.example, URI:spiffe://weir/ns/a/sa/b, IP Address:127.0.0.1', 'spiffe://weir/ns/a/sa/b'],
    ['its common name without a URI', 'DNS:a.example', 'common'],
    ['its common name without any name', '', 'common'],
    ['no URI that only looks like one inside a quoted name', 'DNS:"a, URI:spiffe://admin"', 'common'],
    ['no URI after an escaped quote', 'DNS:"a\\", URI:spiffe://admin"', 'common'],
    ['a URI that Node quotes', 'URI:"spiffe://weir/a, b"', 'spiffe://weir/a, b'],
  ])('is %s', (_what, names, identity) => {
    expect(of(names)).toEqual({ ok: true, value: identity });
  });

  test.each([
    ['several URIs', 'URI:spiffe://a, URI:spiffe://b', 'common'],
    ['no name at all', '', null],
    ['several common names', '', ['a', 'b']],
  ])('is refused with %s', (_what, names, commonName) => {
    expect(of(names, commonName).ok).toBe(false);
  });
});
