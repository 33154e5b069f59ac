// Revocation lists as openssl writes them, and broken ones.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { TestCa, type IssuedFiles } from '../test/support/certificates.ts';
import { fieldsOfCertificate } from './certificate-fields.ts';
import { context, encodeDer, oid, octets, boolean, sequence, integer, text, time, bits } from './der.ts';
import { parseRevocationLists, serialOf } from './revocation-list.ts';

let ca: TestCa;
let foreign: TestCa;
let revoked: IssuedFiles;
let pem: string;

beforeAll(async () => {
  [ca, foreign] = [await TestCa.create(), await TestCa.create()];
  revoked = await ca.issue('alice', '');
  pem = await ca.revocationList([revoked]);
});

afterAll(() => Promise.all([ca.remove(), foreign.remove()]));

function certificateAt(file: string): X509Certificate {
  return new X509Certificate(readFileSync(file));
}

test('a list has its authority, its serial numbers and its times', () => {
  const parsed = parseRevocationLists(pem);
  const [list] = parsed.ok ? parsed.value : [];
  const fields = fieldsOfCertificate(certificateAt(revoked.certificate).raw);
  expect(list?.revoked).toEqual(new Set([serialOf(fields!.serialNumber)]));
  expect(list?.issuer).toEqual(fields!.issuer.raw);
  expect(list?.nextUpdate).toBeGreaterThan(Date.now());
  expect(list?.thisUpdate).toBeLessThan(Date.now());
  expect([ca, foreign].map(({ certificate }) => list?.isSignedBy(certificateAt(certificate)))).toEqual([true, false]);
});

test('several lists of a text are read, and nothing else beside them', () => {
  expect(parseRevocationLists(`${pem}${pem}`)).toMatchObject({ ok: true, value: [{}, {}] });
  for (const other of ['', 'x', `${pem}${readFileSync(ca.certificate, 'utf8')}`]) expect(parseRevocationLists(other).ok).toBe(false);
});

test('cut and changed lists are refused, or their signature is wrong', () => {
  const bytes = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64');
  const authority = certificateAt(ca.certificate);
  for (let i = 0; i < bytes.length; i++) {
    expect(parseRevocationLists(armoured(bytes.subarray(0, i))).ok).toBe(false);
    const parsed = parseRevocationLists(armoured(Buffer.from(bytes.with(i, (bytes[i] ?? 0) ^ 1))));
    expect(parsed.ok && parsed.value.some((list) => list.isSignedBy(authority))).toBe(false);
  }
});

describe('a list with a critical extension is refused', () => {
  const critical = sequence(sequence(oid('2.5.29.27'), boolean(true), octets(integer(Buffer.from([1])))));
  test.each([
    ['of its own', [encodeDer(context(0), critical)]],
    ['of an entry', [sequence(sequence(integer(Buffer.from([5])), time(new Date(0)), critical))]],
  ])('%s', (_, more) => {
    const name = sequence(text('x'));
    const body = (rest: readonly Buffer[]): string =>
      armoured(sequence(sequence(sequence(), name, time(new Date(0)), time(new Date(1)), ...rest), sequence(), bits(Buffer.alloc(1))));
    expect(parseRevocationLists(body([])).ok).toBe(true);
    expect(parseRevocationLists(body(more)).ok).toBe(false);
  });
});

function armoured(bytes: Buffer): string {
  return `-----BEGIN X509 CRL-----\n${bytes.toString('base64')}\n-----END X509 CRL-----\n`;
}
