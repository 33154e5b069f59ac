// Features of Node's TLS sockets that only `tls.Server` offers: the result of the peer's verification, and a staple. As in direct-reads.ts,
// a feature that a Node version lacks is replaced by the safe alternative.
import type tls from 'node:tls';

interface Internals {
  readonly verifyError?: () => (Error & { readonly code?: string }) | null;
  readonly setOCSPResponse?: (response: Buffer) => void;
}

function internalsOf(socket: tls.TLSSocket): Internals {
  return (socket as unknown as { readonly ssl?: Internals | null }).ssl ?? {};
}

/** OpenSSL's code for the error of the peer's certificate, or null; `UNVERIFIABLE` if Node does not provide it. */
export function verifyError(socket: tls.TLSSocket): string | null {
  const ssl = internalsOf(socket);
  if (typeof ssl.verifyError !== 'function') return 'UNVERIFIABLE';
  const error = ssl.verifyError();
  return error === null || error === undefined ? null : (error.code ?? error.message);
}

/** Staples an OCSP answer to the certificate if the peer requests one. Call it before the handshake starts. */
export function staple(socket: tls.TLSSocket, response: Buffer): void {
  const ssl = internalsOf(socket);
  if (typeof ssl.setOCSPResponse === 'function') ssl.setOCSPResponse(response);
}
