import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { TestCa } from '../test/support/certificates.ts';
import { CertificateAuthority, makeAuthority, makeRequest, newPrivateKey } from './certificate-authority.ts';
import type { CertificateHolder } from './certificate-authority.ts';

const DAY = 86_400_000;
const CLIENT: CertificateHolder = { kind: 'client', uri: 'spiffe://weir/ns/shop/gateway/web' };
const SERVER: CertificateHolder = { kind: 'server', host: 'weir-controller.weir.svc' };

let ca: TestCa;
beforeAll(async () => {
  ca = await TestCa.create();
});
afterAll(() => ca.remove());

const read = (file: string) => readFile(file, 'utf8');

/** Resolves if OpenSSL verifies the certificate with the bundle; `purpose` is sslclient or sslserver. */
async function verify(bundle: string, certificate: string, purpose: string): Promise<void> {
  const [bundleFile, file] = [path.join(ca.folder, 'bundle.crt'), path.join(ca.folder, 'issued.crt')];
  await Promise.all([writeFile(bundleFile, bundle), writeFile(file, certificate)]);
  await promisify(execFile)('openssl', ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', bundleFile, file]);
}

/** A CA with this key identifier; `none`: without one. */
async function selfSigned(keyId: string): Promise<CertificateAuthority> {
  const [key, certificate] = [path.join(ca.folder, `${keyId}.key`), path.join(ca.folder, `${keyId}.crt`)];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=named', '-days', '2'];
  await promisify(execFile)('openssl', [
    ...[...request, '-keyout', key, '-out', certificate, '-addext', `subjectKeyIdentifier=${keyId}`],
    ...['-addext', 'authorityKeyIdentifier=none', '-addext', 'keyUsage=critical,keyCertSign'],
  ]);
  return new CertificateAuthority(await read(certificate), await read(key));
}

/** The value of an extension as OpenSSL prints it. */
async function printed(certificate: string, extension: string): Promise<string> {
  const file = path.join(ca.folder, `${extension}.crt`);
  await writeFile(file, certificate);
  const { stdout } = await promisify(execFile)('openssl', ['x509', '-in', file, '-noout', '-ext', extension]);
  return stdout.split('\n').slice(1).join('').trim();
}

async function fromOpenssl(): Promise<CertificateAuthority> {
  return new CertificateAuthority(await read(ca.certificate), await read(path.join(ca.folder, 'ca.key')));
}

function ownMade(name = 'ca', lifetime = 100 * DAY): CertificateAuthority {
  const { certificate, privateKey } = makeAuthority(name, { now: Date.now(), lifetime });
  return new CertificateAuthority(certificate, privateKey);
}

describe('a request', () => {
  test('is one that OpenSSL verifies, with the hosts', async () => {
    const file = path.join(ca.folder, 'request.der');
    await writeFile(file, makeRequest(['a.example.com', '*.b.example.com'], newPrivateKey()));
    const { stdout, stderr } = await promisify(execFile)('openssl', ['req', '-inform', 'der', '-in', file, '-noout', '-verify', '-text']);
    expect(`${stdout}${stderr}`).toContain('verify OK');
    expect(stdout).toContain('DNS:a.example.com, DNS:*.b.example.com');
  });
});

describe('CertificateAuthority', () => {
  test('issues a client certificate that OpenSSL verifies', async () => {
    const authority = await fromOpenssl();
    const now = Date.now();
    const issued = authority.issue({ commonName: 'x'.repeat(100), holder: CLIENT, now, lifetime: DAY });
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.subjectAltName).toBe('URI:spiffe://weir/ns/shop/gateway/web');
    expect(certificate.subject).toBe(`CN=${'x'.repeat(64)}`);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkPrivateKey(createPrivateKey(issued.privateKey))).toBe(true);
    expect(Math.abs(Date.parse(certificate.validTo) - now - DAY)).toBeLessThan(1_000);
    await verify(authority.bundle, issued.certificate, 'sslclient');
    await expect(verify(authority.bundle, issued.certificate, 'sslserver')).rejects.toThrow();
  });

  test('creates a CA, and issues a server certificate that OpenSSL verifies', async () => {
    const [authority, other] = [ownMade('one'), ownMade('two')];
    const { certificate } = authority.issue({ commonName: 'controller', holder: SERVER, now: Date.now(), lifetime: DAY });
    expect(new X509Certificate(certificate).checkHost('weir-controller.weir.svc')).toBeDefined();
    await verify(`${other.bundle}${authority.bundle}`, certificate, 'sslserver');
    // Controllers connect to each other.
    await verify(authority.bundle, certificate, 'sslclient');
    await expect(verify(other.bundle, certificate, 'sslserver')).rejects.toThrow();
  });

  test('uses the key identifier of its own certificate, whether it is a hash or not', async () => {
    const [bare, named] = await Promise.all([selfSigned('none'), selfSigned('00112233')]);
    const request = { commonName: 'a', holder: CLIENT, now: Date.now(), lifetime: DAY };
    expect(await printed(named.issue(request).certificate, 'authorityKeyIdentifier')).toContain('00:11:22:33');
    expect(await printed(bare.issue(request).certificate, 'authorityKeyIdentifier')).toMatch(/([0-9A-F]{2}:){19}[0-9A-F]{2}/);
    await verify(named.bundle, named.issue(request).certificate, 'sslclient');
    const made = ownMade();
    const ids = await Promise.all([
      printed(made.certificate, 'subjectKeyIdentifier'),
      printed(made.issue(request).certificate, 'authorityKeyIdentifier'),
    ]);
    expect(ids[0]).toBe(ids[1]);
  });

  test('recognises its own certificates of a holder while they are valid', () => {
    const [authority, other] = [ownMade('one'), ownMade('two')];
    const now = Date.now();
    const { certificate } = authority.issue({ commonName: 'a', holder: CLIENT, now, lifetime: DAY });
    expect(authority.vouchesFor(certificate, CLIENT, now + DAY / 2)).toBe(true);
    expect(authority.vouchesFor(certificate, CLIENT, now + 2 * DAY)).toBe(false);
    expect(authority.vouchesFor(certificate, { kind: 'client', uri: 'spiffe://other' }, now)).toBe(false);
    expect(other.vouchesFor(certificate, CLIENT, now)).toBe(false);
    expect(authority.vouchesFor('nonsense', CLIENT, now)).toBe(false);
  });

  test('issues no certificate that ends after its own', () => {
    const authority = ownMade('one', DAY);
    const { certificate } = authority.issue({ commonName: 'a', holder: CLIENT, now: Date.now(), lifetime: 10 * DAY });
    expect(Date.parse(new X509Certificate(certificate).validTo)).toBe(authority.notAfter);
  });

  test('refuses the key of another CA, and a certificate that is not a CA certificate', async () => {
    const [own, other] = [await ca.issue('own', 'DNS:a.example'), await ca.issue('other', 'DNS:b.example')];
    const [leaf, leafKey, otherKey] = await Promise.all([own.certificate, own.privateKey, other.privateKey].map(read));
    expect(() => new CertificateAuthority(leaf as string, otherKey as string)).toThrow('not that of the certificate');
    expect(() => new CertificateAuthority(leaf as string, leafKey as string)).toThrow('not that of a CA');
  });

  test.each([2049, 2050])('writes the year %i as RFC 5280 has it', (year) => {
    const authority = ownMade('one', 100 * 365 * DAY);
    const notAfter = Date.UTC(year, 6, 1);
    const { certificate } = authority.issue({ commonName: 'a', holder: CLIENT, now: notAfter - DAY, lifetime: DAY });
    expect(Date.parse(new X509Certificate(certificate).validTo)).toBe(notAfter);
  });
});
