// The answers to the challenges of certificate authorities (ACME): texts for HTTP requests, certificates for TLS handshakes.
import tls from 'node:tls';
import * as ir from '#api/ir/ir.ts';
import type { ChallengeRequest, ChallengeTexts } from '../exchange/challenge-texts.ts';
import { offersOnly } from './client-hello.ts';

/** The protocol in the handshake of a challenge (RFC 8737 section 6.2). */
export const CHALLENGE_PROTOCOL = 'acme-tls/1';
/** RFC 8555 section 8.3. */
const PREFIX = '/.well-known/acme-challenge/';
const NO_ANSWERS: ReadonlyMap<string, never> = new Map<string, never>();

export class Challenges implements ChallengeTexts {
  readonly #all = new Map<string, ir.Challenge>();
  /** By host and path. */
  #texts: ReadonlyMap<string, Buffer> = NO_ANSWERS;
  /** By host. */
  #contexts: ReadonlyMap<string, tls.SecureContext> = NO_ANSWERS;
  /** The keys of the Secrets of challenges that are answered in handshakes. */
  #awaited: ReadonlySet<string> = new Set();

  /** Adds or replaces a challenge. Throws if OpenSSL refuses its certificate. */
  set(challenge: ir.Challenge): void {
    const before = this.#all.get(challenge.key);
    this.#all.set(challenge.key, challenge);
    try {
      this.#refresh();
    } catch (error) {
      if (before === undefined) this.#all.delete(challenge.key);
      else this.#all.set(challenge.key, before);
      throw error;
    }
  }

  remove(key: string): void {
    this.#all.delete(key);
    this.#refresh();
  }

  textFor({ method, host, path }: ChallengeRequest): Buffer | null {
    if (this.#texts.size === 0 || (method !== 'GET' && method !== 'HEAD') || !path.startsWith(PREFIX)) return null;
    return this.#texts.get(`${host}${path}`) ?? null;
  }

  /** The certificate that answers a handshake, or null. `hello` is the complete ClientHello. */
  contextFor(serverName: string, hello: Buffer): tls.SecureContext | null {
    if (this.#contexts.size === 0) return null;
    const found = this.#contexts.get(serverName);
    return found !== undefined && offersOnly(hello, CHALLENGE_PROTOCOL) ? found : null;
  }

  /** Whether handshakes with this listener answer a challenge for one of its certificates, even before it has any. */
  areAnsweredBy({ tls: terms }: ir.Listener): boolean {
    return this.#awaited.size > 0 && terms?.mode === 'Terminate' && terms.certificates.some((key) => this.#awaited.has(key));
  }

  #refresh(): void {
    const texts = new Map<string, Buffer>();
    const contexts = new Map<string, tls.SecureContext>();
    const awaited = new Set<string>();
    for (const { key, host, answer } of this.#all.values()) {
      if (answer.type === 'HTTP01') {
        texts.set(`${host}${PREFIX}${answer.token}`, Buffer.from(answer.text));
      } else {
        contexts.set(host, tls.createSecureContext({ cert: answer.certificate, key: answer.privateKey, minVersion: 'TLSv1.2' }));
        awaited.add(ir.secretOfChallenge(key));
      }
    }
    this.#texts = texts;
    this.#contexts = contexts;
    this.#awaited = awaited;
  }
}
