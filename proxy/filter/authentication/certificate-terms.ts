// Terms for a client certificate besides the handshake: it is not revoked, and has a pinned key and permitted names.
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

/** What was found out about a certificate, which is decoded once. */
interface Finding {
  /** By its key and its names, which do not change. */
  readonly own: CertificateProblem | null;
  /** The lists that `revocation` comes from. */
  lists: Lists | null;
  revocation: CertificateProblem | null;
  /** Until when `revocation` holds with these lists, milliseconds since the epoch. */
  until: number;
}

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
  /** A certificate is one object for each connection. */
  readonly #findings = new WeakMap<ClientCertificate, Finding>();

  constructor({ crl, expiredCrl = 'Refuse', pins, allow }: CertificateTermsSettings, { data }: Pick<PolicyFilterContext, 'data'>) {
    this.#crl = crl === undefined ? null : data.handle(crl);
    this.#acceptsExpired = expiredCrl === 'Accept';
    this.#pins = pins === undefined ? null : new Set(pins);
    this.#allow = allow;
    this.#subjects = new Set((allow?.subjects ?? []).map(normaliseName));
  }

  /** Why the certificate is not accepted now; null if it is. */
  problemOf(certificate: ClientCertificate): CertificateProblem | null {
    const finding = this.#findings.get(certificate) ?? this.#find(certificate);
    if (finding.own !== null || this.#crl === null) return finding.own;
    const lists = this.#listsOf(this.#crl);
    if (finding.lists === lists && Date.now() < finding.until) return finding.revocation;
    return this.#revocationOf(certificate, lists, finding);
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

  #find(certificate: ClientCertificate): Finding {
    const finding = { own: this.#ownProblem(certificate), lists: null, revocation: null, until: 0 };
    this.#findings.set(certificate, finding);
    return finding;
  }

  #ownProblem(certificate: ClientCertificate): CertificateProblem | null {
    if (this.#pins !== null && !this.#pins.has(pinOf(certificate))) return refused('the key of the client certificate is not pinned');
    return this.#allow === undefined || this.#permits(certificate) ? null : refused('no name of the client certificate is permitted');
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

  #revocationOf(certificate: ClientCertificate, lists: Lists, finding: Finding): CertificateProblem | null {
    if ('problem' in lists) return unavailable(`the revocation list ${lists.problem}`);
    const fields = fieldsOfCertificate(certificate.raw);
    if (fields === null) return refused('the client certificate is malformed');
    const named = lists.lists.filter(({ issuer }) => issuer.equals(fields.issuer.raw));
    const own = named.filter((list) => this.#isSigned(list, certificate));
    if (own.some(({ revoked }) => revoked.has(serialOf(fields.serialNumber))))
      return keep(finding, lists, refused('the client certificate is revoked'), Infinity);
    if (own.length === 0) return unavailable('no revocation list is of the authority of the client certificate');
    const until = this.#acceptsExpired ? Infinity : Math.max(...own.map(({ nextUpdate }) => nextUpdate));
    if (until <= Date.now()) return unavailable('the revocation list has expired');
    // Another handshake may show the authority of a list whose signature cannot be verified yet.
    return own.length === named.length ? keep(finding, lists, null, until) : null;
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

function keep(finding: Finding, lists: Lists, revocation: CertificateProblem | null, until: number): CertificateProblem | null {
  Object.assign(finding, { lists, revocation, until });
  return revocation;
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
