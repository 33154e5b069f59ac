// Answers of `openssl ocsp`, valid and invalid: only valid ones may be stapled.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { TestCa } from '../../../test/support/certificates.ts';
import type { IssuedFiles } from '../../../test/support/certificates.ts';
import { answerOffline, itself } from '../../../test/support/ocsp-responder.ts';
import { certificateId, encodeRequest } from './request.ts';
import type { CertificateId } from './request.ts';
import { checkResponse } from './response.ts';

let [ca, stranger]: TestCa[] = [];
let issuer: X509Certificate;
let [good, other, gone]: CertificateId[] = [];
let answer: Buffer;

async function certificate(ca: TestCa, name: string): Promise<{ id: CertificateId; file: string }> {
  const { certificate: file } = await ca.issueAs(name, {});
  const id = certificateId(new X509Certificate(readFileSync(file)), new X509Certificate(readFileSync(ca.certificate)));
  if (id === null) throw new Error('no id');
  return { id, file };
}

beforeAll(async () => {
  [ca, stranger] = [await TestCa.create(), await TestCa.create()];
  issuer = new X509Certificate(readFileSync(ca.certificate));
  good = (await certificate(ca, 'good')).id;
  other = (await certificate(ca, 'other')).id;
  const revoked = await certificate(ca, 'gone');
  gone = revoked.id;
  const signer = ['-cert', ca.certificate, '-keyfile', `${ca.folder}/ca.key`];
  execFileSync('openssl', ['ca', '-config', 'ca.cnf', ...signer, '-revoke', revoked.file], { cwd: ca.folder, stdio: 'ignore' });
  answer = await hourly(ca, itself(ca), encodeRequest(good));
});
afterAll(async () => {
  await ca?.remove();
  await stranger?.remove();
});

const check = (bytes: Buffer, id = good, now = Date.now()) => checkResponse(bytes, id!, issuer, now);

/** An answer that is valid for an hour. */
const hourly = (of: TestCa, signer: IssuedFiles, request: Buffer) => answerOffline(of, signer, request, '-nmin', '60');

describe('refuses', () => {
  test('an answer about another certificate', () => {
    expect(check(answer, other)).toEqual({ ok: false, error: 'other_certificate' });
  });

  test('an answer with a foreign signature', async () => {
    const forged = await hourly(ca!, itself(stranger!), encodeRequest(good!));
    expect(check(forged)).toEqual({ ok: false, error: 'bad_signature' });
  });

  test('an answer signed with a certificate without the right to sign answers', async () => {
    const forged = await hourly(ca!, await ca!.issueAs('server', { extensions: ['extendedKeyUsage=serverAuth'] }), encodeRequest(good!));
    expect(check(forged)).toEqual({ ok: false, error: 'bad_signature' });
  });

  test('an answer of a responder whose own certificate has expired', async () => {
    const expired = await ca!.issueAs('responder', { extensions: ['extendedKeyUsage=OCSPSigning'], hours: [-48, -1] });
    expect(check(await hourly(ca!, expired, encodeRequest(good!)))).toEqual({ ok: false, error: 'bad_signature' });
  });

  test('an answer of the past, and one of the future', () => {
    expect(check(answer, good, Date.now() + 3_700_000)).toEqual({ ok: false, error: 'not_current' });
    expect(check(answer, good, Date.now() - 600_000)).toEqual({ ok: false, error: 'not_current' });
  });

  test('an answer without an end of its validity', async () => {
    const endless = await answerOffline(ca!, itself(ca!), encodeRequest(good!));
    expect(check(endless)).toEqual({ ok: false, error: 'not_current' });
  });

  test('the status revoked, and the status unknown', async () => {
    expect(check(await hourly(ca!, itself(ca!), encodeRequest(gone!)), gone)).toEqual({ ok: false, error: 'revoked' });
    const unheard = { ...good!, serialNumber: Buffer.from([1, 2, 3]) };
    expect(check(await hourly(ca!, itself(ca!), encodeRequest(unheard)), unheard)).toEqual({ ok: false, error: 'unknown' });
  });

  test('an answer without a status', () => {
    expect(check(Buffer.from('30030a0106', 'hex'))).toEqual({ ok: false, error: 'not_successful' });
  });

  test('an answer with any byte cut, added or changed', () => {
    for (let end = 0; end < answer.length; end++) expect(check(answer.subarray(0, end)).ok).toBe(false);
    expect(check(Buffer.concat([answer, Buffer.alloc(1)])).ok).toBe(false);
    const accepted: number[] = [];
    for (let at = 0; at < answer.length; at++) {
      const changed = Buffer.from(answer);
      changed[at] = (changed[at] as number) ^ 0x01;
      if (check(changed).ok) accepted.push(at);
    }
    // The certificates at the end are not signed, and the issuer does not need them.
    const unsigned = answer.lastIndexOf(Buffer.from(issuer.raw));
    expect(accepted.filter((at) => at < unsigned - 16)).toEqual([]);
  });
});

describe('accepts', () => {
  test('an answer signed by the issuer', () => {
    const result = check(answer);
    expect(result.ok && result.value.nextUpdate - result.value.thisUpdate).toBe(3_600_000);
  });

  test.each(['ec', 'rsa'] as const)('an answer signed by a delegated responder, with a key of %s', async (key) => {
    const responder = await ca!.issueAs('responder', { extensions: ['extendedKeyUsage=OCSPSigning'], key });
    expect(check(await hourly(ca!, responder, encodeRequest(good!))).ok).toBe(true);
  });
});
