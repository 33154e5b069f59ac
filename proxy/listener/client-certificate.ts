// The client certificate of a handshake, and whether it is valid.
import { X509Certificate } from 'node:crypto';
import type tls from 'node:tls';
import { certificateNames } from '#lib/certificate-names.ts';
import type { ClientCertificate } from '../exchange/exchange.ts';
import { verifyError } from './tls-internals.ts';

/**
 * The certificate that the client presented in a complete handshake, or null. OpenSSL verifies it against the authorities of the context
 * but accepts any result; this code decides.
 */
export function readClientCertificate(socket: tls.TLSSocket): ClientCertificate | null {
  // A resumed session has its original certificate. OpenSSL calls a resumed session without a certificate valid, so the certificate must be
  // checked for.
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  const problem = verifyError(socket) ?? expiry(certificate);
  return {
    subject: certificate.subject === undefined ? '' : oneLine(certificate.subject),
    subjectAltName: certificate.subjectAltName ?? '',
    issuer: certificate.issuer === undefined ? '' : oneLine(certificate.issuer),
    serialNumber: certificate.serialNumber,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    verified: problem === null,
    problem: problem ?? '',
    names: certificateNames(certificate),
    validTo: certificate.validToDate.getTime(),
    raw: certificate.raw,
    issuerCertificate: () => issuerOf(socket),
  };
}

/** From the certificates that the client sent, and the authorities. A closed socket has none. */
function issuerOf(socket: tls.TLSSocket): X509Certificate | null {
  const { issuerCertificate } = socket.getPeerCertificate(true) as Partial<tls.DetailedPeerCertificate>;
  return issuerCertificate === undefined ? null : new X509Certificate(issuerCertificate.raw);
}

/** A session can outlive its certificate. */
function expiry({ validToDate }: X509Certificate): string | null {
  return validToDate.getTime() < Date.now() ? 'CERT_HAS_EXPIRED' : null;
}

/** Node has one line per part of a name. */
function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
