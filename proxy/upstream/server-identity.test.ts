// The certificates that are accepted for a backend: only those with an expected name.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TestCa } from '../../test/support/certificates.ts';
import type { UpstreamTls } from '../exchange/plan.ts';
import { identityProblem } from './server-identity.ts';

const NAMES = 'DNS:a.test,DNS:*.wild.test,URI:spiffe://test/app,IP:10.0.0.1';

let ca: TestCa;
let certificate: Buffer;
beforeAll(async () => {
  ca = await TestCa.create();
  const issued = await ca.issue('common.test', NAMES);
  certificate = new X509Certificate(readFileSync(issued.certificate)).raw;
});
afterAll(() => ca.remove());

function problemOf(...wanted: UpstreamTls['subjectAltNames']): string | undefined {
  return (identityProblem(certificate, wanted) as (Error & { code?: string }) | undefined)?.code;
}

test.each([
  ['Hostname', 'a.test'],
  ['Hostname', 'A.TEST'],
  ['Hostname', 'x.wild.test'],
  ['Hostname', '*.wild.test'],
  ['URI', 'spiffe://test/app'],
] as const)('%s %s is accepted', (type, value) => {
  expect(problemOf({ type, value })).toBeUndefined();
});

test.each([
  ['a common name', 'Hostname', 'common.test'],
  ['a name below', 'Hostname', 'x.a.test'],
  ['two labels for a wildcard', 'Hostname', 'x.y.wild.test'],
  ['a name under the wildcard of the certificate', 'Hostname', 'wild.test'],
  ['a longer URI', 'URI', 'spiffe://test/app/more'],
  ['a URI in another case', 'URI', 'spiffe://test/App'],
  ['a host name as a URI', 'URI', 'a.test'],
  ['nothing', 'URI', ''],
] as const)('%s is refused', (_, type, value) => {
  expect(problemOf({ type, value })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});

test('one of several names is enough, and an empty list accepts none', () => {
  expect(problemOf({ type: 'Hostname', value: 'b.test' }, { type: 'Hostname', value: 'a.test' })).toBeUndefined();
  expect(problemOf()).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});
