// The terms of client certificates: a certificate is decoded once, and a changed or expired list has effect at once.
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { TestCa, type IssuedFiles } from '../../../test/support/certificates.ts';
import type { ClientCertificate } from '../../exchange/exchange.ts';
import type { DataHandle } from '../../exchange/object-data.ts';
import { CertificateTerms, type CertificateTermsSettings } from './certificate-terms.ts';

const HOUR_MS = 3_600_000;
const CRL = { data: 'ConfigMap/default/lists', key: 'crl' };

let ca: TestCa;
let alice: IssuedFiles;
let none: string;
let all: string;

beforeAll(async () => {
  ca = await TestCa.create();
  alice = await ca.issue('alice', 'DNS:alice.example');
  [none, all] = [await ca.revocationList([]), await ca.revocationList([alice])];
});
afterEach(() => void jest.restoreAllMocks());
afterAll(() => ca.remove());

/** An entry that the test changes. */
class Entry implements DataHandle {
  value: Buffer | null;

  constructor(text: string) {
    this.value = Buffer.from(text);
  }

  onChange(): () => void {
    return () => undefined;
  }
}

/** The certificate of a connection that counts how often it is decoded. */
class Presented implements ClientCertificate {
  readonly subject = 'CN=alice';
  readonly subjectAltName = 'DNS:alice.example';
  readonly issuer = 'CN=weir test CA';
  readonly serialNumber = '';
  readonly fingerprint = '';
  readonly verified = true;
  readonly problem = '';
  readonly names = { subject: 'CN=alice', dnsNames: ['alice.example'], uris: [], fingerprint: '' };
  readonly validTo = Date.now() + HOUR_MS;
  decoded = 0;

  get raw(): Buffer {
    this.decoded++;
    return certificateIn(alice.certificate).raw;
  }

  issuerCertificate(): X509Certificate {
    return certificateIn(ca.certificate);
  }
}

function certificateIn(file: string): X509Certificate {
  return new X509Certificate(readFileSync(file));
}

function pinOf(file: string): string {
  return createHash('sha256')
    .update(certificateIn(file).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

function terms(settings: CertificateTermsSettings, entry = new Entry('')): CertificateTerms {
  return new CertificateTerms(settings, { data: { handle: () => entry } });
}

function reasons(count: number, ask: () => ReturnType<CertificateTerms['problemOf']>): readonly (string | null)[] {
  return Array.from({ length: count }, () => ask()?.reason ?? null);
}

test('a certificate is decoded once for its pin and once for a list, however many requests it has', () => {
  const held = terms({ crl: CRL, pins: [pinOf(alice.certificate)], allow: { dnsNames: ['*.example'] } }, new Entry(none));
  const certificate = new Presented();
  expect(reasons(5, () => held.problemOf(certificate))).toEqual([null, null, null, null, null]);
  expect(certificate.decoded).toBe(2);
  const other = new Presented();
  expect(held.problemOf(other)).toBeNull();
  expect(other.decoded).toBe(2);
});

test('a changed list has effect on the next request, in both directions', () => {
  const entry = new Entry(none);
  const held = terms({ crl: CRL }, entry);
  const certificate = new Presented();
  const ask = () => held.problemOf(certificate);
  expect(reasons(2, ask)).toEqual([null, null]);
  entry.value = Buffer.from(all);
  expect(reasons(2, ask)).toEqual(Array(2).fill('the client certificate is revoked'));
  entry.value = Buffer.from(none);
  expect(reasons(2, ask)).toEqual([null, null]);
  entry.value = null;
  expect(reasons(2, ask)).toEqual(Array(2).fill('the revocation list is not known'));
});

test('a list that expires refuses the certificate from then on, and a revoked one stays revoked', () => {
  const [held, accepting] = [terms({ crl: CRL }, new Entry(none)), terms({ crl: CRL, expiredCrl: 'Accept' }, new Entry(none))];
  const revoking = terms({ crl: CRL }, new Entry(all));
  const certificate = new Presented();
  const ask = () => [held, accepting, revoking].map((each) => each.problemOf(certificate)?.reason ?? null);
  expect(ask()).toEqual([null, null, 'the client certificate is revoked']);
  const later = Date.now() + 25 * HOUR_MS;
  jest.spyOn(Date, 'now').mockReturnValue(later);
  expect(ask()).toEqual(['the revocation list has expired', null, 'the client certificate is revoked']);
});

test('other pins belong to other settings, which decide anew', () => {
  const certificate = new Presented();
  expect(terms({ pins: [pinOf(alice.certificate)] }).problemOf(certificate)).toBeNull();
  const held = terms({ pins: [pinOf(ca.certificate)] });
  expect(reasons(2, () => held.problemOf(certificate))).toEqual(Array(2).fill('the key of the client certificate is not pinned'));
});

test('a list whose authority is not shown yet is asked again', () => {
  const held = terms({ crl: CRL }, new Entry(none));
  const resumed = new Presented();
  jest.spyOn(resumed, 'issuerCertificate').mockReturnValue(null as unknown as X509Certificate);
  expect(held.problemOf(resumed)?.reason).toBe('no revocation list is of the authority of the client certificate');
  expect(held.problemOf(new Presented())).toBeNull();
  expect(held.problemOf(resumed)).toBeNull();
});
