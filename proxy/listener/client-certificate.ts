// What a client showed of itself in a handshake, and whether it is to be believed.
import type { X509Certificate } from 'node:crypto';
import type tls from 'node:tls';
import type { ClientCertificate } from '../exchange/exchange.ts';
import { verifyError } from './tls-internals.ts';

/**
 * The certificate that the client of a complete handshake presented, or null. OpenSSL has checked it against the authorities of
 * the context and lets it pass whatever it found: the judgement is here.
 */
export function readClientCertificate(socket: tls.TLSSocket): ClientCertificate | null {
  // A resumed session has the certificate it began with. Without one OpenSSL calls a resumed session valid, so it must be looked for.
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
  };
}

/** A session can outlive its certificate. */
function expiry({ validToDate }: X509Certificate): string | null {
  return validToDate.getTime() < Date.now() ? 'CERT_HAS_EXPIRED' : null;
}

/** Node has a line for each part of a name. */
function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
