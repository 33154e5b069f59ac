// Verifies the answer of an OCSP responder (RFC 6960 section 4.2): it must be about the right certificate, signed by an authorised signer,
// current, and good.
import { verify, X509Certificate } from 'node:crypto';
import { bitsOf, context, oidOf, readDer, sequenceOf, TAG, timeOf } from '#lib/der.ts';
import type { Der } from '#lib/der.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { SIGNATURE_DIGESTS } from '#lib/signature-digests.ts';
import { SHA1_OID } from './request.ts';
import type { CertificateId } from './request.ts';

/** The fault of an answer. */
export type ResponseFault = 'malformed' | 'not_successful' | 'other_certificate' | 'bad_signature' | 'not_current' | 'revoked' | 'unknown';

/** The validity of the answer, milliseconds since the epoch. */
export interface ResponseValidity {
  readonly thisUpdate: number;
  readonly nextUpdate: number;
}

/** The tolerated difference of clocks. */
const SKEW_MS = 300_000;
const BASIC_RESPONSE_OID = '2b0601050507300101';
/** id-kp-OCSPSigning. */
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';

/** Checks an answer about a certificate of that issuer. */
export function checkResponse(
  bytes: Buffer,
  id: CertificateId,
  issuer: X509Certificate,
  now: number,
): Result<ResponseValidity, ResponseFault> {
  const basic = basicOf(bytes);
  if (!basic.ok) return basic;
  const [data, algorithm, signature, certificates] = basic.value;
  if (data === undefined || !isSigned(data, algorithm, signature, signersOf(certificates, issuer, now))) return err('bad_signature');
  const single = singleFor(data, id);
  return single === null ? err('other_certificate') : judge(single, now);
}

/** The parts of the BasicOCSPResponse in an OCSPResponse. */
function basicOf(bytes: Buffer): Result<readonly Der[], ResponseFault> {
  const outer = readDer(bytes);
  const [status, wrapped] = (outer?.raw.length === bytes.length ? sequenceOf(outer) : null) ?? [];
  if (status?.tag !== TAG.enumerated) return err('malformed');
  if (!status.value.equals(Buffer.from([0]))) return err('not_successful');
  const parts = partsOf(wrapped);
  return parts === null ? err('malformed') : ok(parts);
}

function partsOf(wrapped: Der | undefined): readonly Der[] | null {
  const [type, content] = (wrapped?.tag === context(0) ? sequenceOf(readDer(wrapped.value)) : null) ?? [];
  if (oidOf(type) !== BASIC_RESPONSE_OID || content?.tag !== TAG.octetString) return null;
  return sequenceOf(readDer(content.value));
}

/** The issuer, and the responders that it has certified (RFC 6960 section 4.2.2.2). */
function signersOf(certificates: Der | undefined, issuer: X509Certificate, now: number): X509Certificate[] {
  const sent = certificates?.tag === context(0) ? (sequenceOf(readDer(certificates.value)) ?? []) : [];
  return [
    issuer,
    ...sent.map(({ raw }) => parse(raw)).filter((each) => each !== null && isResponder(each, issuer, now)),
  ] as X509Certificate[];
}

function parse(raw: Buffer): X509Certificate | null {
  try {
    return new X509Certificate(raw);
  } catch {
    return null;
  }
}

function isResponder(certificate: X509Certificate, issuer: X509Certificate, now: number): boolean {
  const current = certificate.validFromDate.getTime() <= now + SKEW_MS && certificate.validToDate.getTime() >= now - SKEW_MS;
  const mayServe = (certificate.keyUsage as readonly string[] | undefined)?.includes(OCSP_SIGNING) === true;
  return current && mayServe && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isSigned(data: Der, algorithm: Der | undefined, signature: Der | undefined, signers: readonly X509Certificate[]): boolean {
  const digest = SIGNATURE_DIGESTS.get(oidOf(sequenceOf(algorithm)?.[0]));
  const bits = bitsOf(signature);
  if (digest === undefined || bits === null) return false;
  return signers.some(({ publicKey }) => {
    try {
      return verify(digest, data.raw, publicKey, bits);
    } catch {
      // The key does not fit the signature algorithm.
      return false;
    }
  });
}

/** ResponseData: an optional version, then responder, time, answers. */
function singleFor(data: Der, id: CertificateId): readonly Der[] | null {
  const fields = sequenceOf(data) ?? [];
  const answers = sequenceOf(fields.find(({ tag }) => tag === TAG.sequence)) ?? [];
  return answers.map((answer) => sequenceOf(answer)).find((answer) => isAbout(answer?.[0], id)) ?? null;
}

function isAbout(certId: Der | undefined, id: CertificateId): boolean {
  const [algorithm, name, key, serial] = sequenceOf(certId) ?? [];
  return (
    oidOf(sequenceOf(algorithm)?.[0]) === SHA1_OID &&
    name?.value.equals(id.issuerNameHash) === true &&
    key?.value.equals(id.issuerKeyHash) === true &&
    serial?.value.equals(id.serialNumber) === true
  );
}

const GOOD = 0x80;
const REVOKED = 0xa1;

/** SingleResponse: certID, status, thisUpdate, nextUpdate [0]. An answer without an end counts as stale (RFC 5019 section 2.2.4). */
function judge([, status, thisUpdate, end]: readonly Der[], now: number): Result<ResponseValidity, ResponseFault> {
  if (status?.tag === REVOKED) return err('revoked');
  if (status?.tag !== GOOD) return err('unknown');
  const validity = { thisUpdate: timeOf(thisUpdate), nextUpdate: timeOf(end?.tag === context(0) ? readDer(end.value) : null) };
  const current = validity.thisUpdate <= now + SKEW_MS && validity.nextUpdate > now;
  return current ? ok(validity) : err('not_current');
}
