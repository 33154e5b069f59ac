// The identity of a proxy: the only URI among the names of its certificate (as in SPIFFE), or else the common name.
import type { PeerCertificate } from 'node:tls';
import { err, ok, type Result } from '#lib/result.ts';

/** The identity of a certificate that TLS has verified already. */
export function identityOf(certificate: Pick<PeerCertificate, 'subject' | 'subjectaltname'>): Result<string> {
  const uris = alternativeNames(certificate.subjectaltname ?? '')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => unquote(name.slice('URI:'.length)));
  if (uris.length > 1) return err('the certificate has several URIs');
  const commonName: unknown = certificate.subject.CN;
  const identity = uris[0] ?? (typeof commonName === 'string' ? commonName : '');
  if (identity === '') return err('the certificate has neither a URI nor exactly one common name');
  // A common name must not pass for a URI and get its rights.
  return uris.length === 0 && identity.includes(':') ? err('the common name looks like a URI') : ok(identity);
}

/** Node joins names with `, ` and quotes a name as a JSON string if it could be read as several names. */
function alternativeNames(text: string): string[] {
  const names: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === ',') {
      names.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...names, text.slice(start).trim()];
}

function unquote(name: string): string {
  return name.startsWith('"') ? String(JSON.parse(name)) : name;
}
