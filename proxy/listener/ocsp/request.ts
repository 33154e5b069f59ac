// A request to an OCSP responder: the status of one certificate (RFC 6960 section 4.1), in the form that every responder supports (RFC
// 5019: one certificate, SHA-1 for its issuer, no signature, no nonce).
import { hash } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';
import { fieldsOfCertificate } from '#lib/certificate-fields.ts';
import { bitsOf, encodeDer, sequenceOf, TAG } from '#lib/der.ts';

/** The identifier of a certificate for a responder. */
export interface CertificateId {
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  /** As in the certificate. */
  readonly serialNumber: Buffer;
}

export const SHA1_OID = '2b0e03021a';

/** The identifier of a certificate of that issuer, or null if one of them is not valid. */
export function certificateId(certificate: X509Certificate, issuer: X509Certificate): CertificateId | null {
  const [own, parent] = [fieldsOfCertificate(certificate.raw), fieldsOfCertificate(issuer.raw)];
  const key = bitsOf(sequenceOf(parent?.publicKey)?.[1]);
  if (own === null || parent === null || key === null || !own.issuer.raw.equals(parent.subject.raw)) return null;
  return {
    issuerNameHash: hash('sha1', own.issuer.raw, 'buffer'),
    issuerKeyHash: hash('sha1', key, 'buffer'),
    serialNumber: own.serialNumber.value,
  };
}

/** Encodes the request. */
export function encodeRequest({ issuerNameHash, issuerKeyHash, serialNumber }: CertificateId): Buffer {
  const algorithm = encodeDer(TAG.sequence, encodeDer(TAG.oid, Buffer.from(SHA1_OID, 'hex')), encodeDer(TAG.null));
  const names = [issuerNameHash, issuerKeyHash].map((each) => encodeDer(TAG.octetString, each));
  const id = encodeDer(TAG.sequence, algorithm, ...names, encodeDer(TAG.integer, serialNumber));
  const requests = encodeDer(TAG.sequence, encodeDer(TAG.sequence, id));
  return encodeDer(TAG.sequence, encodeDer(TAG.sequence, requests));
}
