// The identity of a handshake: the certificates for one name, at most one per kind of key, the terms of their listener, and the OpenSSL
// context made from both.
import { hash } from 'node:crypto';
import tls from 'node:tls';
import { types } from 'node:util';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { wildcardOf } from './certificate.ts';
import type { Certificate } from './certificate.ts';
import type { HandshakeTerms } from './handshake-terms.ts';
import { isStapled } from './ocsp/stapler.ts';
import type { Stapler } from './ocsp/stapler.ts';
import { alpnOf, contextOptions } from './tls-settings.ts';

/** 48 bytes that encrypt session tickets; all workers share them, so that a session resumes at any of them. */
export type TicketKeys = Buffer;
export const TICKET_KEY_BYTES = 48;

/** Seconds during which a session can resume. */
const SESSION_TIMEOUT = 3_600;

/** Terms and the other certificates of a set change; at most this many are kept per certificate. */
const MAX_SIBLINGS = 64;

/** The identities of a worker. One is created per set of certificates and terms, and removed with the first certificate. */
export class Identities {
  readonly #known = new WeakMap<Certificate, Map<string, Result<Identity>>>();
  readonly stapler: Stapler;
  #ticketKeys: TicketKeys;

  constructor(ticketKeys: TicketKeys, stapler: Stapler) {
    this.#ticketKeys = ticketKeys;
    this.stapler = stapler;
  }

  /** Sets the key for tickets. Tickets with other keys do not resume: their peers do a full handshake. */
  rotate(ticketKeys: TicketKeys): void {
    this.#ticketKeys = ticketKeys;
  }

  get ticketKeys(): TicketKeys {
    return this.#ticketKeys;
  }

  /**
   * The identity with these certificates (at least one, no two with the same kind of key) and terms. Fails if OpenSSL refuses one, for
   * example a short key or a weak signature.
   */
  of(certificates: readonly [Certificate, ...Certificate[]], terms: HandshakeTerms): Result<Identity> {
    const [first] = certificates;
    let siblings = this.#known.get(first);
    if (siblings === undefined) this.#known.set(first, (siblings = new Map()));
    const version = [...certificates.map((certificate) => certificate.version), terms.version].join();
    let identity = siblings.get(version);
    if (identity !== undefined) return identity;
    if (siblings.size >= MAX_SIBLINGS) siblings.clear();
    siblings.set(version, (identity = this.#create(certificates, terms, version)));
    return identity;
  }

  #create(certificates: readonly Certificate[], terms: HandshakeTerms, version: string): Result<Identity> {
    try {
      return ok(new Identity(this, { certificates, terms, version }));
    } catch (error) {
      return err(types.isNativeError(error) ? error.message : 'refused by OpenSSL');
    }
  }
}

export class Identity {
  readonly terms: HandshakeTerms;
  /** The protocols inside TLS, in the wire format of ALPN. */
  readonly alpn: Buffer;
  readonly #owner: Identities;
  readonly #certificates: readonly Certificate[];
  /**
   * RFC 8446 section 4.6.1: a session resumes only with the same certificates, whatever the server name is. It does not resume with
   * different terms for clients either: a client that was not verified then would not be verified now.
   */
  readonly #sessionIdContext: string;
  #ticketKeys: TicketKeys;
  #context: tls.SecureContext;

  constructor(
    owner: Identities,
    { certificates, terms, version }: { certificates: readonly Certificate[]; terms: HandshakeTerms; version: string },
  ) {
    this.terms = terms;
    this.alpn = alpnOf(terms.settings);
    this.#owner = owner;
    this.#certificates = certificates;
    this.#sessionIdContext = hash('sha256', version, 'hex').slice(0, 32);
    this.#ticketKeys = owner.ticketKeys;
    this.#context = this.#build();
  }

  /** Whether one of the certificates has the name. */
  covers(name: string): boolean {
    const wildcard = wildcardOf(name);
    return this.#certificates.some(({ names }) => names.includes(name) || names.includes(wildcard));
  }

  /** The OCSP answer to staple in the handshake of this ClientHello, or null. */
  staple(hello: Buffer): Buffer | null {
    return this.#owner.stapler.staple(this.#certificates, this.terms.settings, hello);
  }

  /** Certificates that need OCSP answers. */
  get stapled(): readonly Certificate[] {
    return this.#certificates.filter((certificate) => isStapled(certificate, this.terms.settings));
  }

  /** The context for a handshake; created anew after a rotation of ticket keys. */
  get context(): tls.SecureContext {
    if (this.#ticketKeys !== this.#owner.ticketKeys) {
      this.#ticketKeys = this.#owner.ticketKeys;
      this.#context = this.#build();
    }
    return this.#context;
  }

  #build(): tls.SecureContext {
    const { trust, settings } = this.terms;
    return tls.createSecureContext({
      cert: this.#certificates.map(({ chain }) => chain),
      key: this.#certificates.map(({ privateKey }) => privateKey),
      ...contextOptions(settings),
      ticketKeys: this.#ticketKeys,
      sessionTimeout: SESSION_TIMEOUT,
      sessionIdContext: this.#sessionIdContext,
      // Any certificate of the user counts as an authority, self-signed or not. Without any, Node would trust the public ones.
      ca: trust === null ? [] : trust.authorities,
      allowPartialTrustChain: true,
    });
  }
}
