// HTTP Basic (RFC 7617): users of a list in a Secret, and consumers. A wrong user takes as long as a wrong password.
import { parseHtpasswd } from '#lib/htpasswd.ts';
import { parsePasswordHash, type PasswordHash } from '#lib/password-hash.ts';
import type { ConsumersOf, FoundConsumer } from '../../exchange/consumers.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { removeHeader } from '../../exchange/headers.ts';
import type { DataHandle, DataReference } from '../../exchange/object-data.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { ABSENT, refused, unavailable, type Authenticator, type Outcome } from './authenticator.ts';
import { consumerOutcome } from './consumer-principal.ts';
import { credentialSources, readCredential } from './credential-source.ts';
import type { Passwords, PasswordVerdict } from './passwords.ts';

export interface BasicSettings {
  readonly users?: DataReference;
  readonly realm?: string;
  readonly forward?: boolean;
}

const SOURCE = credentialSources([{ header: 'authorization', prefix: 'Basic ' }]);
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** A user name and a password of a request. */
interface Pair {
  readonly user: string;
  readonly password: string;
}

/** An account with the user name, and the consumer if it is one. */
interface Account {
  readonly hash: PasswordHash | null;
  readonly consumer: FoundConsumer | null;
}

export class Basic implements Authenticator {
  readonly name = 'basic';
  readonly challenge: string;
  readonly #forward: boolean;
  /** Null: only consumers have accounts. */
  readonly #list: DataHandle | null;
  readonly #consumers: ConsumersOf;
  readonly #passwords: Passwords;
  /** The list that `#hashes` is read from. */
  #text: Buffer | null = null;
  #hashes: ReadonlyMap<string, PasswordHash> = new Map();

  constructor({ users, realm = 'weir', forward = false }: BasicSettings, { data, consumers, passwords, namespace }: PolicyFilterContext) {
    this.challenge = `Basic realm="${realm.replaceAll(/["\\]/g, '\\$&')}", charset="UTF-8"`;
    this.#forward = forward;
    this.#list = users === undefined ? null : data.handle(users);
    this.#consumers = consumers.of(namespace);
    this.#passwords = passwords;
  }

  authenticate(exchange: Exchange): Outcome | Promise<Outcome> {
    const credential = readCredential(SOURCE, exchange);
    if (credential === null) return ABSENT;
    if (this.#list?.value === null) return unavailable('the list of users is not known');
    const pair = pairOf(credential);
    return pair === null ? refused('the credentials are malformed') : this.#verify(pair);
  }

  strip(exchange: Exchange): void {
    if (!this.#forward && readCredential(SOURCE, exchange) !== null) removeHeader(exchange.requestHeaders, 'authorization');
  }

  #verify({ user, password }: Pair): Outcome | Promise<Outcome> {
    const account = this.#account(user);
    const verdict = this.#passwords.verify(account.hash, password);
    if (typeof verdict === 'string') return this.#outcomeOf(user, account, verdict);
    return verdict.then((late) => this.#outcomeOf(user, account, late));
  }

  #outcomeOf(user: string, { hash, consumer }: Account, verdict: PasswordVerdict): Outcome {
    if (verdict === 'busy') return unavailable('too many passwords wait for their verification');
    if (verdict === 'mismatch') return refused('the user or the password is wrong');
    if (consumer !== null) return consumerOutcome(consumer, 'basic');
    const principal = { id: user, method: 'basic', groups: [], claims: {}, consumer: '', plan: '' } as const;
    return { type: 'authenticated', principal, credential: null, watches: [(ended) => this.#watch(user, hash, ended)] };
  }

  /** The user is gone from the list, or has another password. */
  #watch(user: string, hash: PasswordHash | null, ended: () => void): () => void {
    const look = (): void => {
      if (JSON.stringify(this.#users().get(user) ?? null) !== JSON.stringify(hash)) ended();
    };
    return this.#list?.onChange(look) ?? (() => undefined);
  }

  #account(user: string): Account {
    const hash = this.#users().get(user);
    if (hash !== undefined) return { hash, consumer: null };
    const [consumer = null] = this.#consumers.byUserName(user);
    const own = consumer === null ? null : parsePasswordHash(consumer.value);
    return { hash: own?.ok === true ? own.value : null, consumer };
  }

  /** Reads the list again after a change. */
  #users(): ReadonlyMap<string, PasswordHash> {
    const text = this.#list?.value ?? null;
    if (text !== this.#text) {
      this.#text = text;
      this.#hashes = text === null ? new Map() : parseHtpasswd(text.toString('utf8')).users;
    }
    return this.#hashes;
  }
}

/** Null: not base64 of `user:password` in UTF-8. */
function pairOf(credential: string): Pair | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(credential)) return null;
  const text = decoded(Buffer.from(credential, 'base64'));
  const colon = text?.indexOf(':') ?? -1;
  return text === null || colon < 1 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decoded(bytes: Buffer): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}
