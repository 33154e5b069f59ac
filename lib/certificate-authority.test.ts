import { describe, expect, test } from '@jest/globals';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { TestCa } from '../test/support/certificates.ts';
import { CertificateAuthority } from './certificate-authority.ts';

const DAY = 86_400_000;

describe('CertificateAuthority', () => {
  test('issues what OpenSSL takes for a certificate of a client', async () => {
    const ca = await TestCa.create();
    try {
      const key = await readFile(path.join(ca.folder, 'ca.key'), 'utf8');
      const authority = new CertificateAuthority(await readFile(ca.certificate, 'utf8'), key);
      const now = Date.now();
      const uri = 'spiffe://weir/ns/shop/gateway/web';
      const issued = authority.issue({ commonName: 'x'.repeat(100), uri, notBefore: now - DAY, notAfter: now + DAY });
      const certificate = new X509Certificate(issued.certificate);
      expect(certificate.subjectAltName).toBe(`URI:${uri}`);
      expect(certificate.subject).toBe(`CN=${'x'.repeat(64)}`);
      expect(certificate.ca).toBe(false);
      expect(certificate.checkPrivateKey(createPrivateKey(issued.privateKey))).toBe(true);
      expect(Math.abs(Date.parse(certificate.validTo) - now - DAY)).toBeLessThan(1_000);
      const file = path.join(ca.folder, 'issued.crt');
      await writeFile(file, issued.certificate);
      const { stdout } = await promisify(execFile)('openssl', [...['verify', '-purpose', 'sslclient', '-CAfile', ca.certificate, file]]);
      expect(stdout).toContain('OK');
      await expect(promisify(execFile)('openssl', ['verify', '-purpose', 'sslserver', '-CAfile', ca.certificate, file])).rejects.toThrow();
    } finally {
      await ca.remove();
    }
  });

  test('refuses a key that is not the CA its own, and a certificate of no CA', async () => {
    const ca = await TestCa.create();
    try {
      const [own, other] = [await ca.issue('own', 'DNS:a.example'), await ca.issue('other', 'DNS:b.example')];
      const read = (file: string) => readFile(file, 'utf8');
      const [leaf, leafKey, otherKey] = await Promise.all([own.certificate, own.privateKey, other.privateKey].map(read));
      expect(() => new CertificateAuthority(leaf as string, otherKey as string)).toThrow('not that of the certificate');
      expect(() => new CertificateAuthority(leaf as string, leafKey as string)).toThrow('not that of a CA');
    } finally {
      await ca.remove();
    }
  });

  test.each([2049, 2050])('writes the year %i as RFC 5280 has it', async (year) => {
    const ca = await TestCa.create();
    try {
      const [certificate, key] = await Promise.all([ca.certificate, path.join(ca.folder, 'ca.key')].map((file) => readFile(file, 'utf8')));
      const authority = new CertificateAuthority(certificate as string, key as string);
      const notAfter = Date.UTC(year, 6, 1);
      const issued = authority.issue({ commonName: 'a', uri: 'spiffe://a', notBefore: 0, notAfter });
      expect(Date.parse(new X509Certificate(issued.certificate).validTo)).toBe(notAfter);
    } finally {
      await ca.remove();
    }
  });
});
