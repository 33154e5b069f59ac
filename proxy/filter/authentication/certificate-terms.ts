// What a client certificate must fulfil besides the handshake: it is not revoked, and has a pinned key and permitted names.
import { createHash, X509Certificate } from 'node:crypto';
import { fieldsOfCertificate } from '#lib/certificate-fields.ts';
import { normaliseName } from '#lib/distinguished-name.ts';
import { parseRevocationLists, serialOf, type RevocationList } from '#lib/revocation-list.ts';
import type { ClientCertificate } from '../../exchange/exchange.ts';
import type { DataHandle, DataReference } from '../../exchange/object-data.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { refused, unavailable, type Outcome } from './authenticator.ts';

/** Why a certificate is not accepted: it is wrong, or cannot be checked now. */
export type CertificateProblem = Extract<Outcome, { type: 'refused' | 'unavailable' }>;

export interface CertificateTermsSettings {
  readonly crl?: DataReference;
  readonly expiredCrl?: 'Refuse' | 'Accept';
  readonly pins?: readonly string[];
  readonly allow?: { readonly subjects?: readonly string[]; readonly dnsNames?: readonly string[]; readonly uris?: readonly string[] };
}

/** Authorities that are remembered. */
const MAX_AUTHORITIES = 64;
/** Timers of Node hold 31 bits of milliseconds. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The lists of an entry, or why there are none. */
type Lists = { readonly lists: readonly RevocationList[] } | { readonly problem: string };

export class CertificateTerms {
  readonly #crl: DataHandle | null;
  readonly #acceptsExpired: boolean;
  readonly #pins: ReadonlySet<string> | null;
  readonly #allow: CertificateTermsSettings['allow'];
  readonly #subjects: ReadonlySet<string>;
  /** The text that `#lists` are read from. */
  #text: Buffer | null = null;
  #lists: Lists = { problem: 'is not known' };
  /** Lists with a signature that was verified. */
  readonly #signed = new WeakSet<RevocationList>();
  /** By encoded name, hexadecimal. */
  readonly #authorities = new Map<string, X509Certificate>();

  constructor({ crl, expiredCrl = 'Refuse', pins, allow }: CertificateTermsSettings, { data }: Pick<PolicyFilterContext, 'data'>) {
    this.#crl = crl === undefined ? null : data.handle(crl);
    this.#acceptsExpired = expiredCrl === 'Accept';
    this.#pins = pins === undefined ? null : new Set(pins);
    this.#allow = allow;
    this.#subjects = new Set((allow?.subjects ?? []).map(normaliseName));
  }

  /** Why the certificate is not accepted now; null if it is. */
  problemOf(certificate: ClientCertificate): CertificateProblem | null {
    if (this.#pins !== null && !this.#pins.has(pinOf(certificate))) return refused('the key of the client certificate is not pinned');
    if (this.#allow !== undefined && !this.#permits(certificate)) return refused('no name of the client certificate is permitted');
    return this.#crl === null ? null : this.#revocationOf(certificate, this.#listsOf(this.#crl));
  }

  /** Calls the listener once the certificate is revoked or has expired, until the result is called. */
  watch(certificate: ClientCertificate, ended: () => void): () => void {
    const look = (): void => {
      if (this.problemOf(certificate) !== null) ended();
    };
    const stop = this.#crl?.onChange(look) ?? (() => undefined);
    const timer = setTimeout(ended, Math.min(Math.max(0, certificate.validTo - Date.now()), MAX_DELAY_MS)).unref();
    return () => {
      clearTimeout(timer);
      stop();
    };
  }

  #permits({ names: { subject, dnsNames, uris } }: ClientCertificate): boolean {
    const { dnsNames: ownNames = [], uris: ownUris = [] } = this.#allow ?? {};
    return (
      this.#subjects.has(subject) ||
      ownNames.some((pattern) => dnsNames.some((name) => matchesName(pattern.toLowerCase(), name))) ||
      ownUris.some((pattern) => uris.some((uri) => matchesUri(pattern, uri)))
    );
  }

  #listsOf(crl: DataHandle): Lists {
    const { value } = crl;
    if (value === this.#text) return this.#lists;
    this.#text = value;
    const parsed = value === null ? null : parseRevocationLists(value.toString('latin1'));
    this.#lists = parsed?.ok === true ? { lists: parsed.value } : { problem: parsed === null ? 'is not known' : 'cannot be read' };
    return this.#lists;
  }

  #revocationOf(certificate: ClientCertificate, lists: Lists): CertificateProblem | null {
    if ('problem' in lists) return unavailable(`the revocation list ${lists.problem}`);
    const fields = fieldsOfCertificate(certificate.raw);
    if (fields === null) return refused('the client certificate is malformed');
    const own = lists.lists.filter(({ issuer }) => issuer.equals(fields.issuer.raw)).filter((list) => this.#isSigned(list, certificate));
    if (own.some(({ revoked }) => revoked.has(serialOf(fields.serialNumber)))) return refused('the client certificate is revoked');
    if (own.length === 0) return unavailable('no revocation list is of the authority of the client certificate');
    const now = Date.now();
    if (this.#acceptsExpired || own.some(({ nextUpdate }) => nextUpdate > now)) return null;
    return unavailable('the revocation list has expired');
  }

  #isSigned(list: RevocationList, certificate: ClientCertificate): boolean {
    if (this.#signed.has(list)) return true;
    const authority = this.#authorityOf(list.issuer, certificate);
    if (authority === null || !list.isSignedBy(authority)) return false;
    this.#signed.add(list);
    return true;
  }

  /** A resumed session does not show its authority: then it is the one of the same name that another handshake has shown. */
  #authorityOf(issuer: Buffer, certificate: ClientCertificate): X509Certificate | null {
    const name = issuer.toString('hex');
    const shown = certificate.issuerCertificate();
    if (shown === null) return this.#authorities.get(name) ?? null;
    if (this.#authorities.size >= MAX_AUTHORITIES) this.#authorities.clear();
    this.#authorities.set(name, shown);
    return shown;
  }
}

/** SHA-256 of the SubjectPublicKeyInfo, base64 (RFC 7469 section 2.4). */
function pinOf({ raw }: ClientCertificate): string {
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}

/** `*.example.com` matches one label more. */
function matchesName(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name;
  const dot = name.indexOf('.');
  return dot > 0 && name.slice(dot) === pattern.slice(1);
}

/** `spiffe://example/*` matches everything below. */
function matchesUri(pattern: string, uri: string): boolean {
  return pattern.endsWith('/*') ? uri.startsWith(pattern.slice(0, -1)) && uri.length >= pattern.length : pattern === uri;
}
