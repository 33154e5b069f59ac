// Verifies that a certificate belongs to the expected server, by its subjectAltNames only: common names are obsolete (RFC 9525 section 2).
import { X509Certificate } from 'node:crypto';
import type { UpstreamTls } from '../exchange/plan.ts';

type Names = UpstreamTls['subjectAltNames'];

/** An error, as `checkServerIdentity` expects, unless the certificate has one of the names. */
export function identityProblem(certificate: Buffer, wanted: Names): Error | undefined {
  const parsed = new X509Certificate(certificate);
  const uris = urisOf(parsed.subjectAltName ?? '');
  const carried = wanted.some(({ type, value }) => (type === 'URI' ? uris.includes(value) : carriesHost(parsed, value)));
  if (carried) return undefined;
  return Object.assign(new Error('the certificate carries none of the names'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
}

/** An expected wildcard is compared like any other name. */
function carriesHost(certificate: X509Certificate, host: string): boolean {
  const name = host.startsWith('*.') ? `any${host.slice(1)}` : host;
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
}

/** One entry in Node's text of the names: `DNS:a, URI:"b, c"`. Node quotes values that could be mistaken for the end of an entry. */
const ENTRY = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

function urisOf(subjectAltName: string): readonly string[] {
  const uris: string[] = [];
  ENTRY.lastIndex = 0;
  for (let match = ENTRY.exec(subjectAltName); match !== null && match[0] !== ''; match = ENTRY.exec(subjectAltName)) {
    const [, kind, value = ''] = match;
    if (kind === 'URI') uris.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  }
  return uris;
}
