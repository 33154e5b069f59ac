// The provider: its metadata and keys, and the redemption of codes. Only the operator names it. It may be slow, dead or hostile: each question
// has a bound of time and size, a redirect is not followed, and its metadata cannot lead to the machine itself or to metadata services.
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { addressForms, localReason, metadataReason, unicastReason } from '#lib/address-guard.ts';
import { namesLoopback } from '#lib/admin-server.ts';
import { checkHost, guardedLookup, quoted, RefusedDestination, type AddressGuard } from '#lib/destination.ts';
import { parseKeys, type KeySet } from '#lib/jose/key-set.ts';
import { metadataOf, metadataUrl, type Metadata } from '#lib/openid/metadata.ts';
import { redemptionOf, tokensOf, type TokenAnswer } from '#lib/openid/redemption.ts';
import { parseObject } from '#lib/openid/values.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { OidcSettings } from './settings.ts';

/** The time of one question, and of its connection, milliseconds. */
const ANSWER_MS = 10_000;
const CONNECT_MS = 5_000;
const MAX_ANSWER_BYTES = 256 * 1_024;
const MAX_HEADER_BYTES = 16 * 1_024;
/** How long metadata and keys are used before they are read again, and the least time between two reads, milliseconds. */
const FRESH_MS = 600_000;
const LEAST_MS = 10_000;
const MAX_SECRET_BYTES = 4_096;

interface Question {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** A document that is read again after a while; the last one stays in use while the provider is away. */
class KeptDocument<T> {
  readonly #load: () => Promise<Result<T>>;
  #last: { readonly value: T; readonly at: number } | null = null;
  #loading: Promise<Result<T>> | null = null;
  #triedAt = -Infinity;

  constructor(load: () => Promise<Result<T>>) {
    this.#load = load;
  }

  /** `renew`: what is kept does not do; it is read again unless that was just now. */
  read(renew = false): Promise<Result<T>> {
    const age = performance.now() - (this.#last?.at ?? -Infinity);
    const isKept = this.#last !== null && (renew ? performance.now() - this.#triedAt < LEAST_MS : age < FRESH_MS);
    if (isKept && this.#last !== null) return Promise.resolve(ok(this.#last.value));
    return (this.#loading ??= this.#renewed().finally(() => (this.#loading = null)));
  }

  async #renewed(): Promise<Result<T>> {
    this.#triedAt = performance.now();
    const loaded = await this.#load();
    if (loaded.ok) this.#last = { value: loaded.value, at: performance.now() };
    return !loaded.ok && this.#last !== null ? ok(this.#last.value) : loaded;
  }
}

export class Provider {
  readonly #settings: OidcSettings;
  readonly #metadata = new KeptDocument(() => this.#readMetadata());
  readonly #keys = new KeptDocument(() => this.#readKeys());

  constructor(settings: OidcSettings) {
    this.#settings = settings;
  }

  /** An error completes "the provider". */
  metadata(): Promise<Result<Metadata>> {
    return this.#metadata.read();
  }

  /** `renew`: the keys that are kept do not have the one of a token. */
  keys(renew: boolean): Promise<Result<KeySet>> {
    return this.#keys.read(renew);
  }

  /** Redeems the code of a login. */
  async redeem(fields: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    const [metadata, secret] = [await this.metadata(), await this.#secret()];
    if (!metadata.ok) return { type: 'unavailable', reason: metadata.error };
    if (!secret.ok) return { type: 'unavailable', reason: secret.error };
    const client = { id: this.#settings.clientId, secret: secret.value };
    const answer = await this.#ask(redemptionOf(client, metadata.value, fields));
    return answer.ok ? tokensOf(answer.value) : { type: 'unavailable', reason: answer.error };
  }

  async #readMetadata(): Promise<Result<Metadata>> {
    const { issuer } = this.#settings;
    const answer = await this.#ask({ url: metadataUrl(issuer) });
    if (!answer.ok) return answer;
    if (answer.value.status !== 200) return err(`answers with status ${answer.value.status} for its metadata`);
    const found = metadataOf(issuer, parseObject(answer.value.body.toString()));
    if (!found.ok) return found;
    const { authorizationEndpoint, tokenEndpoint, jwksUri } = found.value;
    const isPlain = [authorizationEndpoint, tokenEndpoint, jwksUri].some((url) => url.startsWith('http:'));
    return isPlain && issuer.startsWith('https:') ? err('has an endpoint without TLS in its metadata') : found;
  }

  async #readKeys(): Promise<Result<KeySet>> {
    const metadata = await this.metadata();
    const answer = metadata.ok ? await this.#ask({ url: metadata.value.jwksUri }) : metadata;
    if (!answer.ok) return answer;
    if (answer.value.status !== 200) return err(`answers with status ${answer.value.status} for its keys`);
    const keys = parseKeys(answer.value.body.toString());
    return keys.ok ? keys : err(`has keys that cannot be used: the answer ${keys.error}`);
  }

  /** The file is read for each login, so that another secret needs no restart. */
  async #secret(): Promise<Result<string>> {
    const { clientSecretFile } = this.#settings;
    if (clientSecretFile === '') return ok('');
    const text = await readFile(clientSecretFile, 'utf8').catch(() => null);
    if (text === null) return err('cannot be asked: the file of the client secret cannot be read');
    const secret = text.trim();
    return secret === '' || secret.length > MAX_SECRET_BYTES
      ? err('cannot be asked: the file of the client secret has no secret')
      : ok(secret);
  }

  async #ask({ url, method = 'GET', headers = {}, body }: Question): Promise<Result<Answer>> {
    const { caFile, issuer } = this.#settings;
    const guard = guardFor(issuer);
    const ca = caFile === '' ? '' : await readFile(caFile, 'utf8').catch(() => null);
    if (ca === null) return err('cannot be asked: the file of its CA cannot be read');
    const connect = { lookup: guardedLookup(guard), timeout: CONNECT_MS, ...(ca === '' ? {} : { ca }) };
    const dispatcher = new Agent({ connect, maxHeaderSize: MAX_HEADER_BYTES, pipelining: 0 });
    try {
      checkHost(new URL(url).hostname.replaceAll(/^\[|\]$/g, ''), guard);
      const answer = await request(url, {
        ...{ method, dispatcher, signal: AbortSignal.timeout(ANSWER_MS), headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS },
        headers: { accept: 'application/json', 'user-agent': 'weir', ...headers },
        ...(body === undefined ? {} : { body }),
      });
      const read = await bounded(answer.body);
      return read === null ? err(`sends more than ${MAX_ANSWER_BYTES} bytes`) : ok({ status: answer.statusCode, body: read });
    } catch (error) {
      return err(reasonOf(error));
    } finally {
      await dispatcher.destroy();
    }
  }
}

/** An issuer on loopback is for development, and may name loopback only then. */
function guardFor(issuer: string): AddressGuard {
  const isLocal = namesLoopback(new URL(issuer).host);
  return (address) => {
    const forms = addressForms(address);
    const inner = forms.map((form) => metadataReason(form) ?? (isLocal ? null : localReason(form))).find((reason) => reason !== null);
    return unicastReason(forms) ?? inner ?? null;
  };
}

async function bounded(body: AsyncIterable<Buffer>): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    parts.push(part);
    size += part.length;
    if (size > MAX_ANSWER_BYTES) return null;
  }
  return Buffer.concat(parts);
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  if (error instanceof RefusedDestination) return message;
  if (cause instanceof RefusedDestination) return cause.message;
  return name === 'TimeoutError' ? 'does not answer in time' : `cannot be reached: ${quoted(message)}`;
}
