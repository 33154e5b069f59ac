// Who a proxy is: the one URI among the names of its certificate (SPIFFE has it so), or else the certificate's common name.
import type { PeerCertificate } from 'node:tls';
import { err, ok, type Result } from '#lib/result.ts';

/** The identity of a certificate that TLS has verified already. */
export function identityOf(certificate: Pick<PeerCertificate, 'subject' | 'subjectaltname'>): Result<string> {
  const uris = alternativeNames(certificate.subjectaltname ?? '')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => unquote(name.slice('URI:'.length)));
  if (uris.length > 1) return err('its certificate has several URIs');
  const commonName: unknown = certificate.subject.CN;
  const identity = uris[0] ?? (typeof commonName === 'string' ? commonName : '');
  if (identity === '') return err('its certificate has neither a URI nor one common name');
  // What a URI grants is not had by a name that looks like one.
  return uris.length === 0 && identity.includes(':') ? err('its common name looks like a URI') : ok(identity);
}

/** Node joins names with `, ` and writes one that could be mistaken for several as a JSON string. */
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
