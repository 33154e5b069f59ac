// OCSP answers for the certificates in use, fetched before handshakes need them: no handshake waits for one, and a missing one is omitted.
//
//   asking ──good──> held ──half of its time──> asking
//     └──other result──> waiting ──backoff──> asking        the held answer stays in use until it expires
import { X509Certificate } from 'node:crypto';
import type * as ir from '#api/ir/ir.ts';
import { Backoff } from '#lib/backoff.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import type { Certificate } from '../certificate.ts';
import type { FetchFault, FetchOcsp } from './fetch.ts';
import { certificateId, encodeRequest } from './request.ts';
import type { CertificateId } from './request.ts';
import { checkResponse } from './response.ts';
import type { ResponseFault, ResponseValidity } from './response.ts';
import { shownCertificate } from './shown.ts';

/** The outcomes of a request for a status. */
export type OcspOutcome = 'good' | 'no_responder' | 'no_issuer' | FetchFault | ResponseFault;

/** A failure, for the log. */
export interface OcspFailure {
  /** The first DNS name of the certificate. */
  readonly certificate: string;
  /** URL, '' if the certificate has none. */
  readonly responder: string;
  readonly outcome: OcspOutcome;
  /** The certificate requires a stapled answer. */
  readonly mustStaple: boolean;
}

export interface StaplerOptions {
  readonly fetch: FetchOcsp;
  readonly failed: (failure: OcspFailure) => void;
}

/**
 * Answers are renewed after half of their lifetime, within these bounds: a proxy may be disconnected for a while, and should detect a
 * revocation early.
 */
const MIN_REFRESH_MS = 60_000;
const MAX_REFRESH_MS = 86_400_000;
const RETRY = { minimum: 30_000, maximum: 3_600_000 };
const OCSP_URL = /^OCSP - URI:(http:\/\/[\x21-\x7e]+)$/m;

export class Stapler {
  readonly #options: StaplerOptions;
  /** By version of the certificate. */
  readonly #entries = new Map<string, Entry>();
  readonly #outcomes = new Map<OcspOutcome, number>();
  #bare = 0;

  constructor(options: StaplerOptions) {
    this.#options = options;
  }

  /** The number of requests by outcome. */
  get outcomes(): ReadonlyMap<OcspOutcome, number> {
    return this.#outcomes;
  }

  /** Certificates that need an answer and have no valid one. */
  get missing(): number {
    const now = Date.now();
    return [...this.#entries.values()].filter((entry) => entry.staple(now) === null).length;
  }

  /** Requests answers for exactly these certificates from now on. */
  keep(certificates: Iterable<Certificate>): void {
    const wanted = new Map(Array.from(certificates, (certificate) => [certificate.version, certificate]));
    for (const [version, entry] of this.#entries) {
      if (wanted.has(version)) continue;
      entry.close();
      this.#entries.delete(version);
    }
    for (const [version, certificate] of wanted) {
      if (!this.#entries.has(version))
        this.#entries.set(version, new Entry(certificate, this.#options.fetch, (failure) => this.#ended(failure)));
    }
  }

  /** Handshakes without a stapled answer although the certificate requires one. */
  get bare(): number {
    return this.#bare;
  }

  /** The answer to staple in the handshake of this ClientHello, or null. */
  staple(certificates: readonly Certificate[], settings: ir.TlsSettings, hello: Buffer): Buffer | null {
    if (!certificates.some((certificate) => isStapled(certificate, settings) || certificate.mustStaple)) return null;
    const shown = shownCertificate(certificates, settings, hello);
    const entry = shown !== null && isStapled(shown, settings) ? this.#entries.get(shown.version) : undefined;
    const answer = entry?.staple(Date.now()) ?? null;
    if (answer === null && (shown === null || shown.mustStaple)) this.#bare++;
    return answer;
  }

  close(): void {
    this.keep([]);
  }

  #ended(failure: OcspFailure): void {
    this.#outcomes.set(failure.outcome, (this.#outcomes.get(failure.outcome) ?? 0) + 1);
    if (failure.outcome !== 'good') this.#options.failed(failure);
  }
}

/** Without a setting of the user, the certificate decides. */
export function isStapled({ mustStaple }: Certificate, { ocspStapling = mustStaple }: ir.TlsSettings): boolean {
  return ocspStapling;
}

/** The responder and the request. */
interface Question {
  readonly url: URL;
  readonly id: CertificateId;
  readonly issuer: X509Certificate;
}

interface Answer extends ResponseValidity {
  readonly bytes: Buffer;
}

class Entry {
  readonly #certificate: Certificate;
  readonly #fetch: FetchOcsp;
  readonly #ended: (failure: OcspFailure) => void;
  readonly #abort = new AbortController();
  readonly #backoff = new Backoff(RETRY);
  #answer: Answer | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(certificate: Certificate, fetch: FetchOcsp, ended: (failure: OcspFailure) => void) {
    this.#certificate = certificate;
    this.#fetch = fetch;
    this.#ended = ended;
    const question = questionOf(certificate);
    if (question.ok) void this.#ask(question.value);
    else this.#report(question.error, '');
  }

  staple(now: number): Buffer | null {
    return this.#answer !== null && this.#answer.nextUpdate > now ? this.#answer.bytes : null;
  }

  close(): void {
    this.#abort.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #ask(question: Question): Promise<void> {
    const fetched = await this.#fetch(question.url, encodeRequest(question.id), this.#abort.signal);
    if (this.#abort.signal.aborted) return;
    const checked = fetched.ok ? checkResponse(fetched.value, question.id, question.issuer, Date.now()) : fetched;
    if (fetched.ok && checked.ok) this.#answer = { bytes: fetched.value, ...checked.value };
    // A verified bad status replaces a good one.
    else if (!checked.ok && checked.error === 'revoked') this.#answer = null;
    this.#report(checked.ok ? 'good' : checked.error, question.url.href);
    this.#timer = setTimeout(() => void this.#ask(question), checked.ok ? this.#refreshAfter(checked.value) : this.#backoff.next()).unref();
  }

  #refreshAfter({ thisUpdate, nextUpdate }: ResponseValidity): number {
    this.#backoff.reset();
    const half = thisUpdate + (nextUpdate - thisUpdate) * (0.4 + 0.2 * Math.random()) - Date.now();
    return Math.min(MAX_REFRESH_MS, Math.max(MIN_REFRESH_MS, half));
  }

  #report(outcome: OcspOutcome, responder: string): void {
    const { names, mustStaple } = this.#certificate;
    this.#ended({ certificate: names[0] ?? '', responder, outcome, mustStaple });
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The certificate names the responder; the issuer must be in the chain, otherwise the answer cannot be verified. */
function questionOf({ chain }: Certificate): Result<Question, 'no_responder' | 'no_issuer'> {
  // It was parsed before, so there is a leaf.
  const [leaf, ...others] = (chain.match(PEM_CERTIFICATE) ?? [chain]).map((pem) => new X509Certificate(pem)) as [
    X509Certificate,
    ...X509Certificate[],
  ];
  const url = OCSP_URL.exec(leaf.infoAccess ?? '')?.[1] ?? '';
  if (!URL.canParse(url)) return err('no_responder');
  const issuer = others.find((other) => leaf.checkIssued(other) && leaf.verify(other.publicKey));
  if (issuer === undefined) return err('no_issuer');
  const id = certificateId(leaf, issuer);
  return id === null ? err('no_issuer') : ok({ url: new URL(url), id, issuer });
}
