// What Node's TLS sockets can do and only `tls.Server` is offered: the result of checking the peer, and a staple. As in
// direct-reads.ts, whatever Node no longer has is done without, on the safe side.
import type tls from 'node:tls';

interface Internals {
  readonly verifyError?: () => (Error & { readonly code?: string }) | null;
  readonly setOCSPResponse?: (response: Buffer) => void;
}

function internalsOf(socket: tls.TLSSocket): Internals {
  return (socket as unknown as { readonly ssl?: Internals | null }).ssl ?? {};
}

/** What OpenSSL found wrong with the certificate of the peer, as its code, or null; `UNVERIFIABLE` where Node does not tell. */
export function verifyError(socket: tls.TLSSocket): string | null {
  const ssl = internalsOf(socket);
  if (typeof ssl.verifyError !== 'function') return 'UNVERIFIABLE';
  const error = ssl.verifyError();
  return error === null || error === undefined ? null : (error.code ?? error.message);
}

/** Has the answer of an OCSP responder shown with the certificate, if the peer asks for one. To be called before the handshake begins. */
export function staple(socket: tls.TLSSocket, response: Buffer): void {
  const ssl = internalsOf(socket);
  if (typeof ssl.setOCSPResponse === 'function') ssl.setOCSPResponse(response);
}
