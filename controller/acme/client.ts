// The client of one ACME server (RFC 8555) with one account. acme-client, the usual library, has had no release since 2024, and brings
// axios and node-forge; the protocol is ten signed requests, which node:crypto and undici can make.
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { request } from 'undici';
import type { Dispatcher } from 'undici';
import type { AcmeSettings } from '../watch/certificates.ts';
import { signBinding, signRequest } from './jws.ts';
import { AcmeProblem } from './problem.ts';

/** The URLs of a server (RFC 8555 section 7.1.1). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  /** RFC 9773; absent if the server does not propose renewals. */
  readonly renewalInfo?: string;
  readonly meta?: { readonly externalAccountRequired?: boolean };
}

/** RFC 8555 section 7.1.3. */
export interface Order {
  readonly status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string;
  readonly error?: unknown;
}

/** RFC 8555 section 7.1.4. */
export interface Authorization {
  readonly status: 'pending' | 'valid' | 'invalid' | 'deactivated' | 'expired' | 'revoked';
  readonly identifier: { readonly value: string };
  readonly challenges: readonly Challenge[];
}

/** RFC 8555 section 8. */
export interface Challenge {
  readonly type: string;
  readonly url: string;
  readonly status: string;
  readonly token?: string;
  readonly error?: unknown;
}

/** An answer; `body` is parsed JSON, or text. */
export interface AcmeAnswer {
  readonly body: unknown;
  readonly location: string;
  /** Milliseconds; 0 if absent. */
  readonly retryAfter: number;
}

const TIMEOUT_MS = 30_000;
/** The greatest size of an answer: a chain of certificates. */
const MAX_ANSWER_BYTES = 1_048_576;
/** Servers refuse nonces now and then (RFC 8555 section 6.5). */
const NONCE_ATTEMPTS = 6;
const MAX_RETRY_AFTER_MS = 7 * 86_400_000;

export interface AcmeClientOptions {
  readonly settings: Pick<AcmeSettings, 'server' | 'email' | 'binding'>;
  /** The key of the account, PEM (P-256). */
  readonly accountKey: string;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
}

/** Each method rejects with an AcmeProblem if the server refuses, or another error if it does not answer. */
export class AcmeClient {
  readonly key: KeyObject;
  readonly #options: AcmeClientOptions;
  #directory: Promise<Directory> | null = null;
  #account: Promise<string> | null = null;
  #nonce = '';

  constructor(options: AcmeClientOptions) {
    this.#options = options;
    this.key = createPrivateKey(options.accountKey);
  }

  /** The URLs of the server. */
  directory(): Promise<Directory> {
    this.#directory ??= this.#send('GET', this.#options.settings.server).then(({ body }) => body as Directory);
    this.#directory.catch(() => (this.#directory = null));
    return this.#directory;
  }

  /** Creates an order; `replaces` names the certificate that it renews (RFC 9773 section 5). */
  async newOrder(hosts: readonly string[], replaces = ''): Promise<{ readonly url: string; readonly order: Order }> {
    const identifiers = hosts.map((value) => ({ type: 'dns', value }));
    const { newOrder } = await this.directory();
    const { body, location } = await this.post(newOrder, { identifiers, ...(replaces === '' ? {} : { replaces }) });
    return { url: location, order: body as Order };
  }

  /** Sends a signed request. Without a payload it reads the resource. */
  async post(url: string, payload?: unknown): Promise<AcmeAnswer> {
    return this.#signed(url, { kid: await this.#accountUrl() }, payload);
  }

  /** Reads something that needs no account. */
  get(url: string): Promise<AcmeAnswer> {
    return this.#send('GET', url);
  }

  /** The account exists already after the first time (RFC 8555 section 7.3.1). */
  #accountUrl(): Promise<string> {
    this.#account ??= this.#register();
    this.#account.catch(() => (this.#account = null));
    return this.#account;
  }

  async #register(): Promise<string> {
    const { email, binding } = this.#options.settings;
    const { newAccount, meta } = await this.directory();
    if (meta?.externalAccountRequired === true && binding === null)
      throw new AcmeProblem(0, { type: 'externalAccountRequired', detail: 'the server needs spec.acme.externalAccountBinding' }, 0);
    const { jwk, payload } = {
      jwk: this.#jwk(),
      payload: {
        termsOfServiceAgreed: true,
        ...(email === '' ? {} : { contact: [`mailto:${email}`] }),
        ...(binding === null ? {} : { externalAccountBinding: signBinding(this.key, binding, newAccount) }),
      },
    };
    return (await this.#signed(newAccount, { jwk }, payload)).location;
  }

  #jwk(): object {
    const { crv, kty, x, y } = this.key.export({ format: 'jwk' });
    return { crv, kty, x, y };
  }

  async #signed(url: string, identity: object, payload: unknown): Promise<AcmeAnswer> {
    for (let attempt = 1; ; attempt++) {
      const nonce = await this.#takeNonce();
      try {
        return await this.#send('POST', url, signRequest(this.key, { ...identity, nonce, url }, payload));
      } catch (error) {
        const isOld = error instanceof AcmeProblem && error.type === 'badNonce';
        if (!isOld || attempt === NONCE_ATTEMPTS) throw this.#forgetting(error);
      }
    }
  }

  /** A server that has lost the account gets it again with the next request. */
  #forgetting(error: unknown): unknown {
    if (error instanceof AcmeProblem && error.type === 'accountDoesNotExist') this.#account = null;
    return error;
  }

  async #takeNonce(): Promise<string> {
    if (this.#nonce === '') await this.#send('HEAD', (await this.directory()).newNonce);
    const nonce = this.#nonce;
    this.#nonce = '';
    return nonce;
  }

  async #send(method: Dispatcher.HttpMethod, url: string, payload?: object): Promise<AcmeAnswer> {
    const { dispatcher, signal } = this.#options;
    const { statusCode, headers, body } = await request(url, {
      method,
      dispatcher,
      signal,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      headers: { 'user-agent': 'weir', ...(payload === undefined ? {} : { 'content-type': 'application/jose+json' }) },
      ...(payload === undefined ? {} : { body: JSON.stringify(payload) }),
    });
    const text = await readLimited(body);
    const nonce = headers['replay-nonce'];
    if (typeof nonce === 'string') this.#nonce = nonce;
    const retryAfter = parseRetryAfter(String(headers['retry-after'] ?? ''), Date.now());
    const content = parseContent(text);
    if (statusCode >= 400) throw new AcmeProblem(statusCode, content, retryAfter);
    return { body: content, location: String(headers['location'] ?? ''), retryAfter };
  }
}

/** Seconds or a date (RFC 9110 section 10.2.3), as milliseconds from now; 0 if it is absent or invalid. */
export function parseRetryAfter(text: string, now: number): number {
  const wait = /^[0-9]{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isFinite(wait) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, wait)) : 0;
}

async function readLimited(chunks: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer of the ACME server is too long');
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString();
}

function parseContent(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
